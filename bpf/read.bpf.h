/* SPDX-License-Identifier: GPL-2.0-only */
/* Reading behind pointers as cheaply as the kernel allows, and what iterators are given. */
#ifndef READ_BPF_H
#define READ_BPF_H

#ifdef CAN_CAST /* the kernel has bpf_rdonly_cast() (6.2); see lib/skeleton.h */
#define can_cast true
#else
#define can_cast false
#endif
extern void *bpf_rdonly_cast(const void *object, __u32 type) __ksym __weak;

#define TYPED(pointer)                                                                             \
	((typeof(*(pointer)) *)bpf_rdonly_cast(pointer,                                            \
					       bpf_core_type_id_kernel(typeof(*(pointer)))))

/* BPF_CORE_READ(), by loads that fault as harmlessly and take 2 ns and not 40 where the kernel can
 * cast. Not by pointers that the verifier trusts: for each step along such a one it searches all of
 * the kernel's types by name, 1 ms (measured on 6.18). */
#ifdef CAN_CAST
#define READ(pointer, ...)                                                                         \
	___bpf_apply(___arrow, ___bpf_narg(pointer, __VA_ARGS__))(TYPED(pointer), __VA_ARGS__)
#else
#define READ(pointer, ...) BPF_CORE_READ(pointer, __VA_ARGS__)
#endif

/* The same pointer, one that the verifier does not trust: steps along it cost no search. */
#define DISTRUST(pointer) (can_cast ? TYPED(pointer) : (pointer))

volatile __u32 nothing = 0;

/* The same number, but one that the verifier does not know: else it would walk all that follows for
 * each number by itself. */
static __always_inline __u32 blur(__u32 number)
{
	return number + nothing;
}

/* What iterators are given: part of the kernel's interface, the same everywhere. (As the types of
 * vmlinux.h libbpf would look each of them up, 1 ms of start-up each.) */
struct iterator_meta {
	struct seq_file *seq;
	__u64 session_id;
	__u64 seq_num;
};

struct iterator_task {
	struct iterator_meta *meta;
	struct task_struct *task;
};

struct iterator_task_file {
	struct iterator_meta *meta;
	struct task_struct *task;
	__u32 fd;
	struct file *file;
};

struct iterator_tcp {
	struct iterator_meta *meta;
	struct sock_common *sk_common;
	__u32 uid;
};

struct iterator_udp {
	struct iterator_meta *meta;
	struct udp_sock *udp_sk;
	__u32 uid;
};

struct iterator_map {
	struct iterator_meta *meta;
	struct bpf_map *map;
	void *key, *value;
};

#endif
