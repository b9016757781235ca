/* SPDX-License-Identifier: MIT */
#ifndef TESTS_NATS_SERVER_H
#define TESTS_NATS_SERVER_H

/* A nats-server of the test's own, with JetStream, on a free port of the loopback and a store that
 * goes with it. It dies with the test. */

#include <stdbool.h>
#include <sys/types.h>

struct nats_server {
    pid_t pid;
    int port;
    char url[64];
    char store[64];
};

/* False when there is no nats-server on this machine. */
bool nats_server_start(struct nats_server *s);
void nats_server_halt(struct nats_server *s);   /* keeps the store and the port */
bool nats_server_resume(struct nats_server *s); /* after a halt */
void nats_server_freeze(struct nats_server *s); /* has stopped when this returns */
void nats_server_thaw(struct nats_server *s);
void nats_server_stop(struct nats_server *s);

#endif
