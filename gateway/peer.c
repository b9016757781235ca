/* SPDX-License-Identifier: MIT
 *
 * Whose address a request has. An address that a client can choose would let it escape every limit
 * that is kept per address, so a header counts only as far as our own proxies wrote it.
 */
#include "gateway/peer.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "shared/base/heap.h"
#include "shared/base/str.h"

enum { PEERS_MAX = 32, ADDRESS_BYTES = 16, V4_PREFIX = 96 };

/* All addresses are IPv6, the older ones in their mapped form (::ffff:a.b.c.d). */
struct network {
    uint8_t address[ADDRESS_BYTES];
    unsigned bits;
};

struct peers {
    struct network trusted[PEERS_MAX];
    size_t count;
};

static bool read_address(const char *text, uint8_t ret[ADDRESS_BYTES], bool *ret_is_v4)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    struct in_addr v4;
    *ret_is_v4 = inet_pton(AF_INET, text, &v4) == 1;
    if (*ret_is_v4) {
        memcpy(ret, mapped, sizeof(mapped));
        memcpy(ret + sizeof(mapped), &v4, sizeof(v4));
        return true;
    }
    return inet_pton(AF_INET6, text, ret) == 1;
}

static bool read_network(char *text, struct network *ret)
{
    bool is_v4;
    uint64_t bits = 0;
    char *slash = strchr(text, '/');
    if (slash != NULL)
        *slash = '\0';
    if (!read_address(text, ret->address, &is_v4))
        return false;
    unsigned width = is_v4 ? 32 : 128;
    if (slash == NULL)
        bits = width;
    else if (!str_parse_u64(slash + 1, strlen(slash + 1), &bits) || bits > width)
        return false;
    ret->bits = (unsigned)bits + (is_v4 ? V4_PREFIX : 0);
    return true;
}

enum err peers_new(const char *list, struct peers **ret)
{
    struct peers *p = heap_alloc(sizeof(*p));
    auto_heap char *copy = heap_strdup(list != NULL ? list : "");
    char *rest = copy;
    for (char *item; (item = strsep(&rest, ", ")) != NULL;) {
        if (*item == '\0')
            continue;
        if (p->count == PEERS_MAX || !read_network(item, &p->trusted[p->count++])) {
            free(p);
            return ERR_INVALID_FORM;
        }
    }
    *ret = p;
    return OK;
}

void peers_free(struct peers *p)
{
    free(p);
}

static bool is_inside(const struct network *n, const uint8_t address[ADDRESS_BYTES])
{
    size_t whole = n->bits / 8;
    unsigned left = n->bits % 8;
    uint8_t mask = (uint8_t)(0xff << (8 - left));
    return memcmp(n->address, address, whole) == 0 &&
           (left == 0 || ((n->address[whole] ^ address[whole]) & mask) == 0);
}

static bool is_trusted(const struct peers *p, const uint8_t address[ADDRESS_BYTES])
{
    for (size_t i = 0; i < p->count; i++)
        if (is_inside(&p->trusted[i], address))
            return true;
    return false;
}

static void socket_address(const struct sockaddr *peer, uint8_t ret[ADDRESS_BYTES])
{
    memset(ret, 0, ADDRESS_BYTES);
    if (peer->sa_family == AF_INET6) {
        memcpy(ret, &((const struct sockaddr_in6 *)peer)->sin6_addr, ADDRESS_BYTES);
    } else if (peer->sa_family == AF_INET) {
        ret[10] = ret[11] = 0xff;
        memcpy(ret + 12, &((const struct sockaddr_in *)peer)->sin_addr, 4);
    }
}

/* The last address of the list in header[0..*len), which is shortened by it. */
static bool previous_hop(const char *header, size_t *len, uint8_t ret[ADDRESS_BYTES])
{
    size_t end = *len;
    while (end > 0 && (header[end - 1] == ' ' || header[end - 1] == ','))
        end--;
    size_t start = end;
    while (start > 0 && header[start - 1] != ' ' && header[start - 1] != ',')
        start--;
    *len = start;

    char text[PEER_TEXT_SIZE];
    bool is_v4;
    if (start == end || end - start >= sizeof(text))
        return false;
    memcpy(text, header + start, end - start);
    text[end - start] = '\0';
    return read_address(text, ret, &is_v4);
}

static void write_address(const uint8_t address[ADDRESS_BYTES], char out[PEER_TEXT_SIZE])
{
    struct in6_addr v6;
    memcpy(&v6, address, sizeof(v6));
    if (IN6_IS_ADDR_V4MAPPED(&v6))
        inet_ntop(AF_INET, address + 12, out, PEER_TEXT_SIZE);
    else
        inet_ntop(AF_INET6, address, out, PEER_TEXT_SIZE);
}

void peer_address(const struct peers *p, const struct sockaddr *peer, const char *forwarded,
                  char ret_text[PEER_TEXT_SIZE])
{
    uint8_t address[ADDRESS_BYTES];
    uint8_t hop[ADDRESS_BYTES];
    size_t len = forwarded != NULL ? strlen(forwarded) : 0;
    socket_address(peer, address);
    while (is_trusted(p, address) && previous_hop(forwarded, &len, hop))
        memcpy(address, hop, sizeof(address));
    write_address(address, ret_text);
}

void peer_bucket(const char *address, char ret_text[PEER_TEXT_SIZE])
{
    uint8_t bytes[ADDRESS_BYTES];
    bool is_v4 = false;
    snprintf(ret_text, PEER_TEXT_SIZE, "%s", address);
    if (!read_address(address, bytes, &is_v4) || is_v4)
        return;
    memset(bytes + ADDRESS_BYTES / 2, 0, ADDRESS_BYTES / 2);
    inet_ntop(AF_INET6, bytes, ret_text, PEER_TEXT_SIZE);
}
