/* SPDX-License-Identifier: MIT */
#include "gateway/peer.h"

#include <netinet/in.h>
#include <string.h>

#include "shared/base/macros.h"
#include "tests/test.h"

static const char *address(const char *trusted, const char *peer, const char *forwarded)
{
    static char text[PEER_TEXT_SIZE];
    struct peers *p = NULL;
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    if (!CHECK_INT(peers_new(trusted, &p), OK))
        return "";
    bool is_v4 = inet_pton(AF_INET, peer, &v4.sin_addr) == 1;
    if (!is_v4)
        CHECK_INT(inet_pton(AF_INET6, peer, &v6.sin6_addr), 1);
    peer_address(p, is_v4 ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6, forwarded, text);
    peers_free(p);
    return text;
}

TEST(a_client_cannot_choose_its_address)
{
    CHECK_STR(address(NULL, "198.51.100.7", "1.2.3.4"), "198.51.100.7");
    CHECK_STR(address("10.0.0.0/8", "198.51.100.7", "1.2.3.4"), "198.51.100.7");
}

TEST(our_proxy_says_whose_request_it_is)
{
    CHECK_STR(address("127.0.0.1", "127.0.0.1", "203.0.113.9"), "203.0.113.9");
    CHECK_STR(address("127.0.0.1", "127.0.0.1", NULL), "127.0.0.1");
    CHECK_STR(address("::1", "::1", "2001:db8::1"), "2001:db8::1");
}

TEST(what_stands_before_the_first_stranger_is_not_believed)
{
    const char *header = "6.6.6.6, 203.0.113.9, 10.1.2.3";
    CHECK_STR(address("127.0.0.1, 10.0.0.0/8", "127.0.0.1", header), "203.0.113.9");
    CHECK_STR(address("127.0.0.1", "127.0.0.1", header), "10.1.2.3");
}

TEST(an_unreadable_header_leaves_the_proxy_itself)
{
    CHECK_STR(address("127.0.0.1", "127.0.0.1", "nonsense"), "127.0.0.1");
    CHECK_STR(address("127.0.0.1", "127.0.0.1", ""), "127.0.0.1");
    CHECK_STR(address("127.0.0.1", "127.0.0.1", ", ,"), "127.0.0.1");
    CHECK_STR(address("127.0.0.1", "127.0.0.1", "203.0.113.9, x"), "127.0.0.1");
}

TEST(an_old_address_in_new_clothes_is_the_old_address)
{
    CHECK_STR(address("10.0.0.0/8", "::ffff:10.0.0.5", "203.0.113.9"), "203.0.113.9");
    CHECK_STR(address(NULL, "::ffff:198.51.100.7", NULL), "198.51.100.7");
}

TEST(a_network_ends_where_its_bits_end)
{
    CHECK_STR(address("10.128.0.0/9", "10.200.0.1", "1.1.1.1"), "1.1.1.1");
    CHECK_STR(address("10.128.0.0/9", "10.100.0.1", "1.1.1.1"), "10.100.0.1");
    CHECK_STR(address("0.0.0.0/0", "8.8.8.8", "1.1.1.1"), "1.1.1.1");
    CHECK_STR(address("2001:db8::/33", "2001:db8:8000::1", "1.1.1.1"), "2001:db8:8000::1");
}

TEST(a_list_that_cannot_be_read_is_refused_at_start)
{
    static const char *const bad[] = {"localhost", "10.0.0.0/33", "10.0.0/8",
                                      "::1/129",   "1.2.3.4/",    "1.2.3.4/x"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct peers *p = NULL;
        CHECK_INT(peers_new(bad[i], &p), ERR_INVALID_FORM);
    }
}

TEST(who_has_one_address_of_a_network_is_counted_with_all_of_them)
{
    static const char *const rows[][2] = {
        {"198.51.100.7",         "198.51.100.7"  },
        {"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"},
        {"2001:db8:1:2::9",      "2001:db8:1:2::"},
        {"::1",                  "::"            },
        {"unreadable",           "unreadable"    }
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[PEER_TEXT_SIZE];
        peer_bucket(rows[i][0], text);
        CHECK_STR(text, rows[i][1]);
    }
}
