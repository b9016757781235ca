/* SPDX-License-Identifier: MIT */
#include "services/media/media.h"

int main(int argc, char **argv)
{
    return service_main(&media_service, argc, argv);
}
