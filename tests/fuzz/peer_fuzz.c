/* SPDX-License-Identifier: MIT
 *
 * Any text as the list of trusted proxies and as X-Forwarded-For. Whatever a client writes there,
 * the outcome is an address, and without a trusted proxy it is the socket's own. Lines: proxies,
 * the socket's address, X-Forwarded-For. */

#include "gateway/peer.h"
#include "tests/fuzz/fuzz.h"

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static union address socket_address(const char *text)
{
    union address at = {.v6 = {.sin6_family = AF_INET6}};
    if (inet_pton(AF_INET6, text, &at.v6.sin6_addr) == 1)
        return at;
    at.v4 = (struct sockaddr_in){.sin_family = AF_INET};
    (void)!inet_pton(AF_INET, text, &at.v4.sin_addr);
    return at;
}

static void expect_address(const char *text)
{
    struct in6_addr ignored;
    expect(inet_pton(AF_INET, text, &ignored) == 1 || inet_pton(AF_INET6, text, &ignored) == 1);
}

static void check(const char *proxies, const union address *at, const char *forwarded)
{
    struct peers *trusting = NULL;
    struct peers *wary = NULL;
    char with[PEER_TEXT_SIZE];
    char without[PEER_TEXT_SIZE];
    expect(peers_new(NULL, &wary) == OK);
    peer_address(wary, &at->any, forwarded, with);
    peer_address(wary, &at->any, NULL, without);
    expect(strcmp(with, without) == 0);
    if (peers_new(proxies, &trusting) == OK)
        peer_address(trusting, &at->any, forwarded, with);
    expect_address(with);
    peers_free(trusting);
    peers_free(wary);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_arena struct arena a = {0};
    struct fuzz_text rest = fuzz_text(data, size);
    const char *proxies = fuzz_line(&a, &rest);
    union address at = socket_address(fuzz_line(&a, &rest));
    check(proxies, &at, fuzz_header(&a, &rest));
    return 0;
}
