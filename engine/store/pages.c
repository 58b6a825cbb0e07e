/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The format is that of LMDB 0.9 (lmdb.h and mdb.c; MDB_DATA_VERSION 1) on a machine of 64 bits, in
 * the machine's own byte order:
 *
 *   page   | number 8 | pad 2 | flags 2 | lower 2 | upper 2 | offsets of nodes, 2 each ... nodes |
 *          or, of a large value, | number 8 | pad 2 | flags 2 | pages 4 | value ... |
 *   node   | low 2 | high 2 | flags 2 | key size 2 | key | value |
 *          the first three: in a branch the page below; in a leaf the value's size and its flags
 *   tree   | pad 4 | flags 2 | depth 2 | branches 8 | leaves 8 | overflow 8 | entries 8 | root 8 |
 *   meta   | page's head 16 | magic 4 | version 4 | address 8 | map 8 | free tree 48 |
 *          | main tree 48 | last page 8 | transaction 8 |
 *
 * Pages 0 and 1 are metas, written in turn: transaction t stands in page t % 2. The main tree has
 * the tables' trees as values. The free tree has lists of pages, | n 8 | numbers, falling |, by the
 * transaction that had no more use for them, which every one has for some: the last key is the
 * transaction's own. So an older meta that a damaged number makes the newest gives itself away. The
 * other way round it does not: where the write of a meta fails, LMDB leaves the new one with the
 * number of the old one, which looks like a newest meta whose number was damaged by just two. */
#include "store/pages.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BRANCH = 1, LEAF = 2, OVERFLOW = 4, META = 8 };             // flags of pages
enum { BIG = 1, SUBTREE = 2 };                                     // and of nodes
enum { HEAD = 16, NODE = 8, TREE = 48, META_BYTES = HEAD + 136 };  // sizes
enum { INTEGER_KEYS = 8, MOST_DEPTH = 32, LEAST_PAGE = 256, MOST_PAGE = 65536 };
static const uint32_t MAGIC = 0xBEEFC0DE;
static const uint64_t NOWHERE = UINT64_MAX;

struct tree {
    uint16_t flags, depth;
    uint64_t branches, leaves, overflow, entries, root;
};

enum kind { FREE_TREE, MAIN_TREE, TABLE_TREE };

struct pages {
    int fd;
    size_t page_bytes;
    uint64_t n_file, last;  // pages in the file, and the number of the last that is in use
    uint8_t *used;          // a bit for each up to last: met, or free
    uint8_t *level[MOST_DEPTH];
    struct fault *fault;
};

/* A walk through one tree. */
struct climb {
    struct pages *pages;
    enum kind kind;
    struct tree met;  // counted on the way
    unsigned depth;   // as the tree says
};

/* The keys that a page may have: from `low` on, below `high`; of size 0 where there is no bound. */
struct bounds {
    const uint8_t *low, *high;
    size_t n_low, n_high;
};

static uint16_t u16(const uint8_t *at)
{
    uint16_t value;

    memcpy(&value, at, sizeof(value));
    return value;
}

static uint32_t u32(const uint8_t *at)
{
    uint32_t value;

    memcpy(&value, at, sizeof(value));
    return value;
}

static uint64_t u64(const uint8_t *at)
{
    uint64_t value;

    memcpy(&value, at, sizeof(value));
    return value;
}

static enum status damaged(const struct pages *pages, uint64_t page, const char *why)
{
    fault_set(pages->fault, NULL, "data_dir",
              "page %llu of the store is damaged (%s): put a backup back", (unsigned long long)page,
              why);
    return CORRUPT;
}

static enum status read_bytes(const struct pages *pages, uint64_t page, uint8_t *out, size_t n)
{
    ssize_t got = pread(pages->fd, out, n, (off_t)(page * pages->page_bytes));

    if (got == (ssize_t)n) return OK;
    if (got >= 0) return damaged(pages, page, "the file is cut off");
    fault_set(pages->fault, NULL, "data_dir", "page %llu of the store cannot be read: %s",
              (unsigned long long)page, strerror(errno));
    return IO_ERROR;
}

/* Take note that `n` pages from `page` on have a use; twice is once too often. */
static enum status note_use(struct pages *pages, uint64_t page, uint64_t n)
{
    if (page < 2 || page > pages->last || n > pages->last - page + 1) {
        return damaged(pages, page, "it is none of the store's");
    }
    for (uint64_t i = page; i < page + n; i++) {
        uint8_t bit = (uint8_t)(1u << i % 8);

        if (pages->used[i / 8] & bit) return damaged(pages, i, "it is in use twice");
        pages->used[i / 8] |= bit;
    }
    return OK;
}

static enum status read_page(struct pages *pages, uint64_t page, size_t n, uint8_t *out)
{
    enum status st = note_use(pages, page, 1);

    if (st == OK && page >= pages->n_file) st = damaged(pages, page, "the file is cut off");
    if (st == OK) st = read_bytes(pages, page, out, n);
    if (st == OK && u64(out) != page) st = damaged(pages, page, "it has another number");
    return st;
}

static struct tree tree_of(const uint8_t *at)
{
    return (struct tree){.flags = u16(at + 4),
                         .depth = u16(at + 6),
                         .branches = u64(at + 8),
                         .leaves = u64(at + 16),
                         .overflow = u64(at + 24),
                         .entries = u64(at + 32),
                         .root = u64(at + 40)};
}

static size_t n_node(const uint8_t *page)
{
    return (u16(page + 12) - (size_t)HEAD) / 2;
}

static const uint8_t *node_at(const uint8_t *page, size_t i)
{
    return page + u16(page + HEAD + 2 * i);
}

static const uint8_t *key_of(const uint8_t *node, size_t *out_n)
{
    *out_n = u16(node + 6);
    return node + NODE;
}

static size_t value_bytes(const uint8_t *node)
{
    return u16(node) | (size_t)u16(node + 2) << 16;
}

static size_t node_bytes(const uint8_t *node, bool is_leaf)
{
    size_t n = NODE + (size_t)u16(node + 6);

    if (is_leaf) n += u16(node + 4) & BIG ? sizeof(uint64_t) : value_bytes(node);
    return (n + 1) & ~(size_t)1;
}

static int compare(enum kind kind, const uint8_t *a, size_t n_a, const uint8_t *b, size_t n_b)
{
    int order;

    if (kind == FREE_TREE) return (u64(a) > u64(b)) - (u64(a) < u64(b));
    order = memcmp(a, b, n_a < n_b ? n_a : n_b);
    return order ? order : (n_a > n_b) - (n_a < n_b);
}

/* The nodes of a page: inside of it, and all of what is not free in it. */
static const char *nodes_fault(const struct climb *climb, const uint8_t *page, bool is_leaf)
{
    size_t lower = u16(page + 12), upper = u16(page + 14), sum = 0, n;

    if (lower < HEAD || lower > upper || upper > climb->pages->page_bytes || lower % 2) {
        return "its bounds";
    }
    n = n_node(page);
    if (n < (is_leaf ? 1u : 2u)) return "it has too few entries";
    for (size_t i = 0; i < n; i++) {
        size_t at = u16(page + HEAD + 2 * i), room = climb->pages->page_bytes - at;

        if (at < upper || at % 2 || at + NODE > climb->pages->page_bytes) return "a place in it";
        if (node_bytes(page + at, is_leaf) > room) return "an entry's size";
        sum += node_bytes(page + at, is_leaf);
        if (climb->kind == FREE_TREE && u16(page + at + 6) != 8 && (is_leaf || i > 0)) {
            return "an entry's key";
        }
    }
    return sum == climb->pages->page_bytes - upper ? NULL : "its entries do not fill it";
}

static const char *order_fault(const struct climb *climb, const uint8_t *page, bool is_leaf,
                               const struct bounds *bounds)
{
    size_t first = is_leaf ? 0 : 1;  // the first key of a branch is not used

    for (size_t i = first; i < n_node(page); i++) {
        size_t n, n_before;
        const uint8_t *key = key_of(node_at(page, i), &n), *before;

        if (i == first) {
            if (bounds->n_low > 0 && compare(climb->kind, bounds->low, bounds->n_low, key, n) > 0) {
                return "its first key";
            }
            continue;
        }
        before = key_of(node_at(page, i - 1), &n_before);
        if (compare(climb->kind, before, n_before, key, n) >= 0) return "the order of its keys";
        if (i + 1 == n_node(page) && bounds->n_high > 0 &&
            compare(climb->kind, key, n, bounds->high, bounds->n_high) >= 0) {
            return "its last key";
        }
    }
    return NULL;
}

/* A list of free pages: none of them is in use, and none stands there twice. */
static enum status take_free(struct pages *pages, uint64_t page, const uint8_t *list, size_t n)
{
    enum status st = OK;

    if (n < 8 || n % 8 || u64(list) != n / 8 - 1) return damaged(pages, page, "its free pages");
    for (size_t i = 1; i < n / 8 && st == OK; i++) st = note_use(pages, u64(list + 8 * i), 1);
    return st;
}

static enum status take_free_far(struct pages *pages, uint64_t page, size_t n)
{
    uint8_t *bytes = malloc(HEAD + n);
    enum status st = bytes ? read_bytes(pages, page, bytes, HEAD + n) : NO_MEMORY;

    if (st == OK) st = take_free(pages, page, bytes + HEAD, n);
    free(bytes);
    return st;
}

/* A value on pages of its own. */
static enum status take_big(struct climb *climb, const uint8_t *node, const uint8_t *value)
{
    struct pages *pages = climb->pages;
    size_t n = value_bytes(node);
    uint64_t page = u64(value), n_page, need = (HEAD - 1 + n) / pages->page_bytes + 1;
    uint8_t head[HEAD];
    enum status st = read_page(pages, page, HEAD, head);

    if (st) return st;
    n_page = u32(head + 12);
    if (u16(head + 10) != OVERFLOW || n_page < need) {
        return damaged(pages, page, "it is no large value's");
    }
    climb->met.overflow += n_page;
    if (page + need > pages->n_file) return damaged(pages, page, "the file is cut off");
    if (n_page > 1) st = note_use(pages, page + 1, n_page - 1);
    return st || climb->kind != FREE_TREE ? st : take_free_far(pages, page, n);
}

static enum status check_tree(struct pages *pages, enum kind kind, const struct tree *tree,
                              unsigned from);

static enum status take_entry(struct climb *climb, uint64_t page, const uint8_t *node,
                              unsigned level)
{
    const uint8_t *value = node + NODE + u16(node + 6);
    unsigned flags = u16(node + 4);
    struct tree tree;

    climb->met.entries++;
    if (climb->kind == MAIN_TREE) {
        if (flags != SUBTREE || value_bytes(node) != TREE) {
            return damaged(climb->pages, page, "a table's entry");
        }
        tree = tree_of(value);
        return check_tree(climb->pages, TABLE_TREE, &tree, level + 1);
    }
    if (flags & ~(unsigned)BIG) return damaged(climb->pages, page, "an entry's flags");
    if (flags & BIG) return take_big(climb, node, value);
    if (climb->kind != FREE_TREE) return OK;
    return take_free(climb->pages, page, value, value_bytes(node));
}

static enum status take_page(struct climb *climb, uint64_t page, unsigned level,
                             struct bounds bounds);

/* The pages below a branch. */
static enum status take_below(struct climb *climb, const uint8_t *branch, unsigned level,
                              const struct bounds *bounds)
{
    size_t n = n_node(branch);
    enum status st = OK;

    for (size_t i = 0; i < n && st == OK; i++) {
        const uint8_t *node = node_at(branch, i);
        struct bounds below = *bounds;

        if (i > 0) below.low = key_of(node, &below.n_low);
        if (i + 1 < n) below.high = key_of(node_at(branch, i + 1), &below.n_high);
        st = take_page(climb, value_bytes(node) | (uint64_t)u16(node + 4) << 32, level + 1, below);
    }
    return st;
}

static enum status take_page(struct climb *climb, uint64_t page, unsigned level,
                             struct bounds bounds)
{
    struct pages *pages = climb->pages;
    bool is_leaf = level + 1 == climb->depth;
    const char *why;
    uint8_t *bytes;
    enum status st;

    if (!pages->level[level]) pages->level[level] = malloc(pages->page_bytes);
    bytes = pages->level[level];
    if (!bytes) return NO_MEMORY;
    st = read_page(pages, page, pages->page_bytes, bytes);
    if (st) return st;
    if (u16(bytes + 10) != (is_leaf ? LEAF : BRANCH)) return damaged(pages, page, "its flags");
    why = nodes_fault(climb, bytes, is_leaf);
    if (!why) why = order_fault(climb, bytes, is_leaf, &bounds);
    if (why) return damaged(pages, page, why);
    *(is_leaf ? &climb->met.leaves : &climb->met.branches) += 1;
    if (!is_leaf) return take_below(climb, bytes, level, &bounds);
    for (size_t i = 0; i < n_node(bytes) && st == OK; i++) {
        st = take_entry(climb, page, node_at(bytes, i), level);
    }
    return st;
}

/* Pages are read into the levels from `from` on: those before it are in use. */
static enum status check_tree(struct pages *pages, enum kind kind, const struct tree *tree,
                              unsigned from)
{
    struct climb climb = {.pages = pages, .kind = kind, .depth = from + tree->depth};
    struct tree met;
    enum status st;

    if (tree->flags != (kind == FREE_TREE ? INTEGER_KEYS : 0) || climb.depth > MOST_DEPTH ||
        (tree->root == NOWHERE) != (tree->depth == 0)) {
        return damaged(pages, tree->root, "a tree's head");
    }
    st = tree->depth > 0 ? take_page(&climb, tree->root, from, (struct bounds){0}) : OK;
    met = climb.met;
    if (st == OK && (met.branches != tree->branches || met.leaves != tree->leaves ||
                     met.overflow != tree->overflow || met.entries != tree->entries)) {
        st = damaged(pages, tree->root, "not all of its tree is there");
    }
    return st;
}

/* The last key of a free tree that has any. */
static enum status last_freeing(struct pages *pages, const struct tree *tree, uint64_t *out)
{
    const struct climb climb = {.pages = pages, .kind = FREE_TREE};
    uint64_t page = tree->root;
    uint8_t *bytes = tree->depth <= MOST_DEPTH ? malloc(pages->page_bytes) : NULL;
    enum status st = bytes ? OK : NO_MEMORY;

    for (unsigned level = 0; level < tree->depth && st == OK; level++) {
        bool is_leaf = level + 1 == tree->depth;
        const uint8_t *node;

        st = read_bytes(pages, page, bytes, pages->page_bytes);
        if (st) break;
        if (u16(bytes + 10) != (is_leaf ? LEAF : BRANCH) || nodes_fault(&climb, bytes, is_leaf)) {
            st = damaged(pages, page, "it is none of free pages");
            break;
        }
        node = node_at(bytes, n_node(bytes) - 1);
        page = value_bytes(node) | (uint64_t)u16(node + 4) << 32;
        *out = u64(node + NODE);
    }
    free(bytes);
    return st;
}

/* Whether a meta is of the transaction that it names. */
static enum status check_transaction(struct pages *pages, const uint8_t *meta)
{
    struct tree tree = tree_of(meta + HEAD + 24);
    uint64_t own = u64(meta + HEAD + 128), last = own;
    enum status st = tree.depth > 0 ? last_freeing(pages, &tree, &last) : OK;

    if (st) return st;
    return last == own ? OK : damaged(pages, u64(meta), "it is of another transaction");
}

static bool meta_is_sound(const uint8_t *meta, uint64_t number)
{
    uint64_t transaction = u64(meta + HEAD + 128);

    return u64(meta) == number && u16(meta + 10) == META && u32(meta + HEAD) == MAGIC &&
           u32(meta + HEAD + 4) == 1 && (transaction % 2 == number || transaction == 0);
}

/* Find the newest meta and what it says of the file. */
static enum status read_metas(struct pages *pages, uint64_t file_bytes, uint8_t *out_newest)
{
    uint8_t meta[2][META_BYTES];
    uint64_t transaction[2];
    const uint8_t *newest;
    enum status st = read_bytes(pages, 0, meta[0], META_BYTES);

    if (st) return st;
    pages->page_bytes = u32(meta[0] + HEAD + 24);
    if (pages->page_bytes < LEAST_PAGE || pages->page_bytes > MOST_PAGE) {
        return damaged(pages, 0, "the size of pages");
    }
    st = read_bytes(pages, 1, meta[1], META_BYTES);
    if (st) return st;
    for (uint64_t i = 0; i < 2; i++) {
        if (!meta_is_sound(meta[i], i)) return damaged(pages, i, "its head");
        transaction[i] = u64(meta[i] + HEAD + 128);
    }
    newest = meta[transaction[1] > transaction[0]];
    if (transaction[0] + transaction[1] > 0 && transaction[0] + 1 != transaction[1] &&
        transaction[1] + 1 != transaction[0]) {
        return damaged(pages, newest != meta[0], "the number of its transaction");
    }
    pages->last = u64(newest + HEAD + 120);
    pages->n_file = file_bytes / pages->page_bytes;
    if (pages->last < 1 || pages->last >= u64(newest + HEAD + 16) / pages->page_bytes) {
        return damaged(pages, newest != meta[0], "the number of pages");
    }
    memcpy(out_newest, newest, META_BYTES);
    return check_transaction(pages, newest);
}

static enum status check_file(struct pages *pages)
{
    uint8_t meta[META_BYTES];
    struct stat about;
    struct tree free_tree, main_tree;
    enum status st;

    if (fstat(pages->fd, &about) != 0) return IO_ERROR;
    if (!S_ISREG(about.st_mode)) {
        fault_set(pages->fault, NULL, "data_dir", "data.mdb is no file");
        return CORRUPT;
    }
    st = read_metas(pages, (uint64_t)about.st_size, meta);
    if (st) return st;
    pages->used = calloc(pages->last / 8 + 1, 1);
    if (!pages->used) return NO_MEMORY;
    free_tree = tree_of(meta + HEAD + 24);
    main_tree = tree_of(meta + HEAD + 24 + TREE);
    st = check_tree(pages, MAIN_TREE, &main_tree, 0);
    return st ? st : check_tree(pages, FREE_TREE, &free_tree, 0);
}

enum status pages_check(const char *path, struct fault *fault)
{
    struct pages pages = {.page_bytes = 1, .fault = fault};
    enum status st;

    fault_set(fault, NULL, "data_dir", "the pages of %s cannot be checked", path);
    pages.fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // a pipe would make it wait
    if (pages.fd < 0) {
        fault_set(fault, NULL, "data_dir", "cannot open %s: %s", path, strerror(errno));
        return IO_ERROR;
    }
    st = check_file(&pages);
    for (size_t i = 0; i < MOST_DEPTH; i++) free(pages.level[i]);
    free(pages.used);
    close(pages.fd);
    return st;
}
