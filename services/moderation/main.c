/* SPDX-License-Identifier: MIT */
#include "services/moderation/moderation.h"

int main(int argc, char **argv)
{
    return service_main(&moderation_service, argc, argv);
}
