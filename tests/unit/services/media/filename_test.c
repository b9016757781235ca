/* SPDX-License-Identifier: MIT */
#include "services/media/media.h"
#include "tests/test.h"

static const char *clean(const char *name)
{
    static struct arena arena;
    arena_release(&arena);
    return filename_clean(&arena, name);
}

TEST(an_ordinary_name_stays_as_it_is)
{
    CHECK_STR(clean("holiday photo (2).jpg"), "holiday photo (2).jpg");
    CHECK_STR(clean("Übergröße 日本.tar.gz"), "Übergröße 日本.tar.gz");
    CHECK_STR(clean(".profile"), ".profile");
}

TEST(of_a_path_only_the_last_part_is_kept)
{
    CHECK_STR(clean("/etc/passwd"), "passwd");
    CHECK_STR(clean("..\\..\\boot.ini"), "boot.ini");
}

TEST(a_name_that_is_a_folder_or_nothing_becomes_file)
{
    CHECK_STR(clean(".."), "file");
    CHECK_STR(clean("a/"), "file");
    CHECK_STR(clean(" . "), "file");
}

TEST(characters_that_turn_or_break_text_are_replaced)
{
    CHECK_STR(clean("photo\xe2\x80\xaegpj.exe"), "photo_gpj.exe");
    CHECK_STR(clean("a\r\nSet-Cookie: b"), "a__Set-Cookie: b");
}
