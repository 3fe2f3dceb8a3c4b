/** Which modules an initramfs has, whatever hardware is known: tables of folders and names. Pure. */
import type { ToolUse } from "#contract/tools.ts";
import { moduleName } from "./module_index.ts";

/** Folders under /lib/modules/RELEASE/kernel that are included whole. */
const wantedFolders = [
  "drivers/net/",
  "drivers/virtio/",
  "drivers/block/",
  "drivers/ata/",
  "drivers/scsi/",
  "drivers/nvme/",
  "drivers/nvdimm/",
  "drivers/md/",
  "drivers/message/",
  "drivers/mmc/",
  "drivers/ufs/",
  "drivers/hv/",
  "drivers/xen/",
  "drivers/pci/",
  // controllers of eMMC in small machines reach their lines through these
  "drivers/pinctrl/",
  "drivers/usb/core/",
  "drivers/usb/host/",
  "drivers/usb/storage/",
  // InfiniBand: a node that boots over it has no other way to the server
  "drivers/infiniband/core/",
  "drivers/infiniband/hw/mlx4/",
  "drivers/infiniband/hw/mlx5/",
  "drivers/infiniband/ulp/ipoib/",
  "fs/nls/",
  "lib/",
];

/** Folders inside those that no installation needs. */
const unwantedFolders = [
  "drivers/net/arcnet/",
  "drivers/net/can/",
  "drivers/net/fddi/",
  "drivers/net/hamradio/",
  "drivers/net/ieee802154/",
  "drivers/net/plip/",
  "drivers/net/ppp/",
  "drivers/net/slip/",
  "drivers/net/wan/",
  "drivers/net/wireless/",
  "drivers/net/wwan/",
  "drivers/block/drbd/",
  "drivers/block/rbd",
  "drivers/md/bcache/",
  "drivers/md/dm-vdo/",
  "drivers/nvme/target/",
  "drivers/scsi/qla2xxx/tcm_",
  "lib/test",
];

const words = (...lines: readonly string[]) => new Set(lines.join(" ").split(" "));

/** Single modules by name: file systems, the keyboard and the console of a node, entropy, the TPM, IPMI. */
const wantedModules = words(
  "ext4 fat vfat xfs btrfs f2fs efivarfs overlay squashfs isofs loop",
  "hid hid_generic usbhid atkbd i8042",
  "qemu_fw_cfg af_packet bonding 8021q ipv6 virtio_console virtio_rng",
  "ipmi_msghandler ipmi_devintf ipmi_si",
  "tpm tpm_tis_core tpm_tis tpm_crb tpm_tis_spi tpm_infineon tpm_nuvoton",
);

/**
 * For encrypted volumes. dm-crypt and cryptsetup request ciphers and hashes by alias, not as a dependency; cryptsetup
 * opens key slots through AF_ALG.
 */
const encryptionModules = words(
  "af_alg algif_skcipher algif_hash algif_aead cryptd crypto_simd",
  "xts cbc ecb ctr gcm lrw essiv cts adiantum authenc hmac cmac",
  "aes aes_ti aes_generic aes_x86_64 aesni_intel vaes_avx512 aria_generic",
  "serpent_generic serpent_sse2_x86_64 serpent_avx_x86_64 serpent_avx2",
  "twofish_generic twofish_common twofish_x86_64 twofish_x86_64_3way twofish_avx_x86_64",
  "camellia_generic camellia_x86_64 camellia_aesni_avx_x86_64 camellia_aesni_avx2",
  "sha1_generic sha1_ssse3 sha256_generic sha256_ssse3 sha512_generic sha512_ssse3 sha3_generic rmd160 wp512",
  "chacha_generic chacha_x86_64 chacha20poly1305 nhpoly1305 nhpoly1305_sse2 nhpoly1305_avx2 poly1305_generic",
  // arm64
  "aes_arm64 aes_ce_blk aes_ce_cipher aes_neon_blk aes_neon_bs sha1_ce sha2_ce sha256_arm64 sha512_ce sha512_arm64",
  "sha3_ce chacha_neon nhpoly1305_neon poly1305_neon ghash_ce",
);

/** In kernel/crypto and kernel/arch: checksums and hashes that file systems request by alias, not as a dependency. */
const wantedCrypto = /^(?:lib)?(?:crc|xxhash|blake2b|sha256|lz4|lzo|zstd|deflate)/;

/** `path`: relative to the release's folder, as in modules.dep. `uses`: of the image's layout. */
export function isWanted(path: string, uses: ReadonlySet<ToolUse>): boolean {
  const inside = path.replace(/^kernel\//, "");
  const name = moduleName(path);
  if (wantedModules.has(name) || uses.has("luks") && encryptionModules.has(name)) return true;
  if (inside.startsWith("crypto/") || inside.startsWith("arch/")) return wantedCrypto.test(name);
  return wantedFolders.some((folder) => inside.startsWith(folder)) &&
    !unwantedFolders.some((folder) => inside.startsWith(folder));
}

/**
 * Modules that did not come with the kernel: updates/, extra/, weak-updates/, kmod packages of hardware vendors.
 * depmod prefers them to the kernel's own of the same name (depmod.d(5)), and their folders say nothing about them.
 */
export function isForeign(path: string): boolean {
  return !path.startsWith("kernel/");
}

/**
 * Functions of the kernel that a driver of a NIC or of storage calls, as dracut recognizes such drivers (dracut,
 * modules.d/70kernel-modules and 70kernel-network-modules). A graphics driver calls none of them.
 */
const DRIVER_CALLS = [
  ...["register_netdev", "alloc_etherdev_mqs", "ib_register_device"],
  ...["scsi_add_host_with_dma", "ata_host_activate", "ahci_platform_get_resources", "sas_register_ha"],
  ...["blk_mq_alloc_disk", "blk_mq_alloc_queue", "blk_alloc_disk", "blk_mq_init_queue", "add_disk"],
  ...["nvme_init_ctrl", "mmc_add_host", "sdhci_add_host", "register_virtio_driver"],
];

/** `content`: the module, decompressed. */
export function isDriver(content: Uint8Array): boolean {
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.length);
  return DRIVER_CALLS.some((call) => bytes.includes(call));
}
