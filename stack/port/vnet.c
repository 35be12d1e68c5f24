/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vnet: reads and writes virtio-net headers (VIRTIO 1.2 s. 5.1.6). The sandbox's kernel fills them in
 * from what the sandbox's sockets asked for, so they count as foreign bytes.
 */
#include "stack/port/vnet.h"

#include <assert.h>
#include <errno.h>

int vnet_parse(const struct virtio_net_hdr *h, size_t len)
{
	int gso;

	if (h->flags & ~(VIRTIO_NET_HDR_F_NEEDS_CSUM | VIRTIO_NET_HDR_F_DATA_VALID))
		return -EBADMSG;
	if (h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM &&
	    (size_t)h->csum_start + h->csum_offset + sizeof(uint16_t) > len)
		return -EBADMSG;
	switch (h->gso_type) {
	case VIRTIO_NET_HDR_GSO_NONE:
		return FRAME_GSO_NONE;
	case VIRTIO_NET_HDR_GSO_TCPV4:
	case VIRTIO_NET_HDR_GSO_TCPV4 | VIRTIO_NET_HDR_GSO_ECN:
		gso = FRAME_GSO_TCP4;
		break;
	case VIRTIO_NET_HDR_GSO_TCPV6:
	case VIRTIO_NET_HDR_GSO_TCPV6 | VIRTIO_NET_HDR_GSO_ECN:
		gso = FRAME_GSO_TCP6;
		break;
	default:
		return -EBADMSG;
	}
	/* A sender's kernel always asks for the sum of what it wants cut up. */
	if (!(h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) || h->gso_size == 0)
		return -EBADMSG;
	return gso;
}

void vnet_fill(const struct tx_frame *f, struct virtio_net_hdr *ret_hdr)
{
	*ret_hdr = (struct virtio_net_hdr){ 0 };
	if (f->csum_start) {
		assert((uint32_t)f->csum_start + f->csum_offset + sizeof(uint16_t) <= f->len);
		ret_hdr->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
		ret_hdr->csum_start = f->csum_start;
		ret_hdr->csum_offset = f->csum_offset;
	}
	if (f->gso != FRAME_GSO_NONE) {
		assert(f->csum_start && f->gso_size && f->hdr_len > f->csum_start && f->len <= FRAME_GSO_LEN_MAX);
		ret_hdr->gso_type = f->gso == FRAME_GSO_TCP4 ? VIRTIO_NET_HDR_GSO_TCPV4
							      : VIRTIO_NET_HDR_GSO_TCPV6;
		ret_hdr->gso_size = f->gso_size;
		ret_hdr->hdr_len = f->hdr_len;
	}
}
