/* SPDX-License-Identifier: MIT */
#include "services/auth/auth.h"

int main(int argc, char **argv)
{
    return service_main(&auth_service, argc, argv);
}
