/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who is behind a record: the table of processes, fed by records of exec, fork and exit, by
 * iterators at the start, and, for a process that none of those knows, by one look into procfs.
 * A name outlives its process for as long as something may still be printed about it.
 */
#ifndef LIB_PROCESS_H
#define LIB_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/record.h"
#include "lib/base.h"

/* How a name is known; process_name_source() gives the word that is printed. */
enum name_source {
	NAME_COMM = 0, /* nothing better: possibly truncated */
	NAME_EXEC,     /* seen at its exec */
	NAME_ITER,     /* read in the kernel, was already running */
	NAME_FORK,     /* inherited from its parent process */
	NAME_EXE,      /* procfs: exe */
	NAME_CMDLINE,  /* procfs: cmdline */
	NAME_KERNEL,   /* kernel thread, in brackets */
	NAME_GUESS,    /* an interpreter's argument */
	NAME_SOURCES,
};

/* All that is known of the names of one process. Text is borrowed from the table (a bare comm: from
 * the id that was asked for) and valid until the next call that changes it, as a find may, too. */
struct process_names {
	const char *name;   /* what a person would call it, in full; never NULL; raw bytes */
	const char *exe;    /* absolute path (" (deleted)" appended if so), or NULL: unknown */
	const char *script; /* path of the script that an interpreter runs, or NULL */
	const char *args;   /* strings, NUL after each, args_length bytes; NULL: unknown */
	size_t args_length;
	bool args_cut; /* the command line went on */
	enum name_source source;
};

/* Word for name_src, static. */
const char *process_name_source(enum name_source source);

struct process_table;

struct process_table_options {
	int proc_fd; /* borrowed: an O_PATH directory, usually of /proc; -1: never look there */
	size_t processes_max;  /* bound of the table; 0: the default of 65,536 */
	size_t dead_bytes_max; /* of the names of dead processes; 0: the default of 32 MB */
};

/* Returns 0 or -ENOMEM. */
int process_table_new(const struct process_table_options *options,
		      struct process_table **ret_table);
void process_table_free(struct process_table *table);
static inline void process_table_freep(struct process_table **table)
{
	process_table_free(*table);
	*table = NULL;
}

/* Takes a RECORD_PROCESS. @length: bytes of the record that are there; a record whose lengths do
 * not add up within it gives -EBADMSG and changes nothing. Also -ENOMEM. */
int process_table_add(struct process_table *table, const struct process_record *record,
		      size_t length);

/* Takes a RECORD_EXIT: the process is dead, its names stay until the table needs the room. */
void process_table_exit(struct process_table *table, const struct process_id *id);

/* Names of a process, as the program that @id's exec_id says: a name from another exec is not used.
 * Never fails: with nothing known, name is the comm and source NAME_COMM.
 * Looks into procfs at most once for a process (again only after an exec), never for one known to
 * be dead; without @need_args, only if its name is not known, with it also if its command line is
 * not. */
void process_table_find(struct process_table *table, const struct process_id *id, bool need_args,
			struct process_names *ret_names);

/* Something that is still open (a connection) will be printed with this process later: keep the
 * names, dead or not. Each pin wants one unpin. Unknown processes are ignored. */
void process_table_pin(struct process_table *table, const struct process_id *id);
void process_table_unpin(struct process_table *table, const struct process_id *id);

/* For --stats. */
struct process_table_stats {
	uint64_t found[NAME_SOURCES]; /* process_table_find() calls by the source of their name */
	uint64_t procfs_lookups;      /* visits to procfs */
	uint64_t evicted;	      /* dead processes forgotten to make room */
};
void process_table_get_stats(const struct process_table *table,
			     struct process_table_stats *ret_stats);

#endif
