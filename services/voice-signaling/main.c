/* SPDX-License-Identifier: MIT */
#include "services/voice-signaling/voice.h"

int main(int argc, char **argv)
{
    return service_main(&voice_service, argc, argv);
}
