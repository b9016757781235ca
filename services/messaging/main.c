/* SPDX-License-Identifier: MIT */
#include "services/messaging/messaging.h"

int main(int argc, char **argv)
{
    return service_main(&messaging_service, argc, argv);
}
