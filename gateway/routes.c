/* SPDX-License-Identifier: MIT
 *
 * The routes, grown from the services' rows, and two indexes over them: a tree of path segments and
 * a sorted list of names. A literal segment is tried before a {parameter}, and a path that leads
 * nowhere is tried again with the parameter, so "/users/me" and "/users/{user_id}/x" live together.
 */
#include "gateway/routes.h"

#include <assert.h>
#include <string.h>

#include "shared/base/heap.h"

#define NOTHING
#define API(method, path, subject, fn, input, output, guard, perm, mode, rate, status, text) \
    {#method, path, subject, GUARD_##guard, MODE_##mode, RATE_##rate, status, NULL},
#define API_BATCH(method, path, subject, fn, input, output, guard, perm, rate, status, text) \
    {#method, path, subject, GUARD_##guard, MODE_BATCH, RATE_##rate, status, NULL},
#define RAW(method, path, subject, name, guard, perm, rate, status, text) \
    {#method, path, subject, GUARD_##guard, MODE_RAW, RATE_##rate, status, #name},
const struct route routes[] = {
#include "gateway/services.def"
};
#undef API
#undef API_BATCH
#undef RAW
#undef NOTHING
const size_t route_count = ARRAY_LEN(routes);

static const char *const verbs[] = {"GET", "POST", "PUT", "PATCH", "DELETE"};
enum { VERB_COUNT = ARRAY_LEN(verbs) };

struct node {
    const char *segment; /* in the row's path */
    size_t len;
    struct node *next;  /* sibling */
    struct node *child; /* literal ones */
    struct node *param; /* {anything} */
    const struct route *by_verb[VERB_COUNT];
};

struct name {
    const char *text;
    const struct route *route;
};

static struct node *root;
static struct name *names;
static size_t name_count;

static int verb_of(const char *method)
{
    if (strcmp(method, "HEAD") == 0)
        return 0;
    for (int i = 0; i < VERB_COUNT; i++)
        if (strcmp(method, verbs[i]) == 0)
            return i;
    return -1;
}

static size_t segment_length(const char *s, const char *end)
{
    const char *slash = memchr(s, '/', (size_t)(end - s));
    return (size_t)((slash != NULL ? slash : end) - s);
}

/* The node below parent for this segment of a row's path, made when missing. All parameters in one
 * place share a node, whatever their rows call them. */
static struct node *grow(struct node *parent, const char *segment, size_t len)
{
    bool is_param = segment[0] == '{';
    struct node **at = is_param ? &parent->param : &parent->child;
    while (*at != NULL && !is_param &&
           ((*at)->len != len || memcmp((*at)->segment, segment, len) != 0))
        at = &(*at)->next;
    if (*at == NULL) {
        *at = heap_alloc(sizeof(struct node));
        (*at)->segment = segment;
        (*at)->len = len;
    }
    return *at;
}

static void plant(const struct route *route)
{
    const char *at = route->path;
    const char *end = at + strlen(at);
    struct node *node = root;
    while (at < end) {
        at++; /* the slash */
        size_t len = segment_length(at, end);
        node = grow(node, at, len);
        at += len;
    }
    int verb = verb_of(route->method);
    assert(verb >= 0 && node->by_verb[verb] == NULL);
    node->by_verb[verb] = route;
}

static int name_order(const void *a, const void *b)
{
    const struct name *x = a;
    const struct name *y = b;
    int order = strcmp(x->text, y->text);
    return order != 0 ? order : (x->route > y->route) - (x->route < y->route);
}

static bool is_ambiguous(const struct name *first, const struct name *other)
{
    return strcmp(first->text, other->text) == 0 &&
           strcmp(first->route->subject, other->route->subject) != 0;
}

/* Sorts, then keeps one entry a name, and none of a short name that two services use. */
static void index_names(void)
{
    names = heap_alloc_n(2 * route_count + 1, sizeof(struct name));
    size_t n = 0;
    for (size_t i = 0; i < route_count; i++) {
        const char *dot = strchr(routes[i].subject, '.');
        names[n++] = (struct name){routes[i].subject, &routes[i]};
        if (dot != NULL)
            names[n++] = (struct name){dot + 1, &routes[i]};
    }
    qsort(names, n, sizeof(struct name), name_order);

    for (size_t i = 0, next; i < n; i = next) {
        bool is_unique = true;
        for (next = i + 1; next < n && strcmp(names[i].text, names[next].text) == 0; next++)
            is_unique = is_unique && !is_ambiguous(&names[i], &names[next]);
        if (is_unique)
            names[name_count++] = names[i];
    }
}

void routes_init(void)
{
    root = heap_alloc(sizeof(struct node));
    for (size_t i = 0; i < route_count; i++)
        plant(&routes[i]);
    index_names();
}

static void fell(struct node *node)
{
    while (node != NULL) {
        struct node *next = node->next;
        fell(node->child);
        fell(node->param);
        free(node);
        node = next;
    }
}

void routes_done(void)
{
    fell(root);
    free(names);
    root = NULL;
    names = NULL;
    name_count = 0;
}

static const struct node *child_of(const struct node *parent, const char *segment, size_t len)
{
    const struct node *child = parent->child;
    while (child != NULL && (child->len != len || memcmp(child->segment, segment, len) != 0))
        child = child->next;
    return child;
}

struct walk {
    const char *end;
    int verb;
    unsigned allowed; /* verbs of every row that has this path */
    struct route_match *match;
};

/* What stands between the braces of the row, in order. */
static void name_params(struct route_match *m)
{
    const char *at = m->route->path;
    for (size_t i = 0; i < m->param_count; i++) {
        at = strchr(at, '{') + 1;
        m->params[i].name = at;
        m->params[i].name_len = strcspn(at, "}");
    }
}

static bool arrive(struct walk *w, const struct node *node)
{
    for (int i = 0; i < VERB_COUNT; i++)
        if (node->by_verb[i] != NULL)
            w->allowed |= 1U << i;
    w->match->route = w->verb >= 0 ? node->by_verb[w->verb] : NULL;
    if (w->match->route == NULL)
        return false;
    name_params(w->match);
    return true;
}

/* at points to a slash or to the end. As deep as the longest path of a row. */
static bool descend(struct walk *w, const struct node *node, const char *at)
{
    if (at == w->end)
        return arrive(w, node);

    const char *segment = at + 1;
    size_t len = segment_length(segment, w->end);
    const struct node *child = child_of(node, segment, len);
    if (child != NULL && descend(w, child, segment + len))
        return true;
    if (node->param == NULL || len == 0 || w->match->param_count == ROUTE_PARAMS_MAX)
        return false;

    w->match->params[w->match->param_count++] = (struct route_param){.value = segment, .len = len};
    if (descend(w, node->param, segment + len))
        return true;
    w->match->param_count--;
    return false;
}

static void write_allow(unsigned allowed, char out[ROUTE_ALLOW_SIZE])
{
    out[0] = '\0';
    size_t len = 0;
    for (int i = 0; i < VERB_COUNT; i++)
        if ((allowed & 1U << i) != 0)
            len += (size_t)snprintf(out + len, ROUTE_ALLOW_SIZE - len, "%s, %s", verbs[i],
                                    i == 0 ? "HEAD, " : "");
    snprintf(out + len, ROUTE_ALLOW_SIZE - len, "OPTIONS");
}

enum err route_match(const char *method, const char *path, size_t len, struct route_match *ret)
{
    struct walk walk = {path + len, verb_of(method), 0, ret};
    ret->route = NULL;
    ret->param_count = 0;
    if (len == 0 || path[0] != '/')
        return ERR_UNKNOWN_ROUTE;
    bool is_found = descend(&walk, root, path);
    if (walk.allowed == 0)
        return ERR_UNKNOWN_ROUTE;
    write_allow(walk.allowed, ret->allow);
    return is_found ? OK : ERR_METHOD_NOT_ALLOWED;
}

/* As strcmp, of a name that need not be a string: a client may have put anything into it. */
static int compare_name(const char *name, size_t len, const char *text)
{
    size_t text_len = strlen(text);
    int order = memcmp(name, text, len < text_len ? len : text_len);
    return order != 0 ? order : (len > text_len) - (len < text_len);
}

const struct route *route_by_name(const char *name, size_t len)
{
    size_t lo = 0;
    size_t hi = name_count;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int order = compare_name(name, len, names[mid].text);
        if (order == 0)
            return names[mid].route;
        if (order > 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}
