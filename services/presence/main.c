/* SPDX-License-Identifier: MIT */
#include "services/presence/presence.h"

int main(int argc, char **argv)
{
    return service_main(&presence_service, argc, argv);
}
