/* SPDX-License-Identifier: Apache-2.0 */
/* A virtio-net header that is taken never points outside its frame, whatever its bytes. */
#include <assert.h>
#include <string.h>

#include "stack/port/vnet.h"

int LLVMFuzzerTestOneInput(const uint8_t *buf, size_t size)
{
	struct virtio_net_hdr h;
	uint16_t len;
	int gso;

	if (size < sizeof(h) + sizeof(len))
		return 0;
	memcpy(&h, buf, sizeof(h));
	memcpy(&len, buf + sizeof(h), sizeof(len));
	gso = vnet_parse(&h, len);
	if (gso < 0)
		return 0;
	assert(gso <= FRAME_GSO_TCP6);
	if (h.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
		assert(h.csum_start + h.csum_offset + 2 <= len);
	if (gso != FRAME_GSO_NONE)
		assert(h.gso_size > 0 && h.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM);
	return 0;
}
