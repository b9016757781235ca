/* SPDX-License-Identifier: MIT */
/* The file system as a store. A file is first made durable, then renamed, then its folder is made
 * durable: whoever is told that the file is there finds it there after any crash. */

#include "services/media/storage.h"

#include "shared/base/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { PLACE_SIZE = 40, FOLDER_MODE = 0700, FILE_MODE = 0600 };

/* "files/a7" and "files/a7/123": by the low bits of the time in the id, which spread evenly. */
static void write_folder(snowflake id, char out[PLACE_SIZE])
{
    snprintf(out, PLACE_SIZE, "files/%02x", (unsigned)(id >> 22 & 0xff));
}

static void write_place(snowflake id, char out[PLACE_SIZE])
{
    snprintf(out, PLACE_SIZE, "files/%02x/%llu", (unsigned)(id >> 22 & 0xff),
             (unsigned long long)id);
}

static int open_folder(int at, const char *path)
{
    return openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int open_root(const char *root)
{
    return open_folder(AT_FDCWD, root);
}

static int open_tmp(const char *root)
{
    auto_fd int top = open_root(root);
    return open_folder(top, "tmp");
}

static void make_folder(int at, const char *path)
{
    if (mkdirat(at, path, FOLDER_MODE) != 0 && errno != EEXIST)
        die("MEDIA_ROOT: %s: %s", path, strerror(errno));
}

void storage_prepare(const char *root)
{
    make_folder(AT_FDCWD, root);
    auto_fd int top = open_root(root);
    if (top < 0)
        die("MEDIA_ROOT: %s: %s", root, strerror(errno));
    make_folder(top, "tmp");
    make_folder(top, "files");
}

int storage_create(const char *root, const char *temp)
{
    auto_fd int tmp = open_tmp(root);
    return openat(tmp, temp, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
}

void storage_discard(const char *root, const char *temp)
{
    auto_fd int tmp = open_tmp(root);
    (void)unlinkat(tmp, temp, 0); /* the sweep finds what stays */
}

/* The folder of this id, made if it is new. */
static int open_shard(int top, snowflake id)
{
    char folder[PLACE_SIZE];
    write_folder(id, folder);
    int shard = open_folder(top, folder);
    if (shard >= 0 || errno != ENOENT)
        return shard;
    if (mkdirat(top, folder, FOLDER_MODE) != 0 && errno != EEXIST)
        return -1;
    auto_fd int files = open_folder(top, "files");
    return fsync(files) == 0 ? open_folder(top, folder) : -1;
}

enum err storage_keep(const char *root, const char *temp, int fd, snowflake id)
{
    char place[PLACE_SIZE];
    write_place(id, place);
    auto_fd int top = open_root(root);
    auto_fd int tmp = open_folder(top, "tmp");
    auto_fd int shard = open_shard(top, id);
    if (shard < 0 || fsync(fd) != 0 || renameat(tmp, temp, top, place) != 0 || fsync(shard) != 0)
        return ERR_UNAVAILABLE;
    return OK;
}

ssize_t storage_read(const char *root, snowflake id, int64_t offset, void *out, size_t len)
{
    char place[PLACE_SIZE];
    write_place(id, place);
    auto_fd int top = open_root(root);
    auto_fd int fd = openat(top, place, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    size_t done = 0;
    while (fd >= 0 && done < len) {
        ssize_t n = pread(fd, (char *)out + done, len - done, offset + (off_t)done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        done += (size_t)n;
    }
    return fd < 0 ? -1 : (ssize_t)done;
}

enum err storage_remove(const char *root, snowflake id)
{
    char place[PLACE_SIZE];
    write_place(id, place);
    auto_fd int top = open_root(root);
    return unlinkat(top, place, 0) == 0 || errno == ENOENT ? OK : ERR_UNAVAILABLE;
}

static bool is_older(int at, const char *name, time_t limit)
{
    struct stat file;
    return fstatat(at, name, &file, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(file.st_mode) &&
           file.st_mtime < limit;
}

static void closedir_p(DIR **dir)
{
    if (*dir != NULL)
        closedir(*dir);
}

void storage_sweep(const char *root, int64_t older_than_s, size_t max)
{
    __attribute__((cleanup(closedir_p))) DIR *dir = fdopendir(open_tmp(root));
    time_t limit = time(NULL) - older_than_s;
    size_t removed = 0;
    for (struct dirent *e; dir != NULL && removed < max && (e = readdir(dir)) != NULL;)
        if (is_older(dirfd(dir), e->d_name, limit) && unlinkat(dirfd(dir), e->d_name, 0) == 0)
            removed++;
    if (removed > 0)
        LOG(INFO, "temps.swept", KV("count", (int64_t)removed));
}
