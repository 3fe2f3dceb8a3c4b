/** OCI registries: pushes and pulls of versions, and the repository that nodes fetch from, if the settings name one. */
import type { ImageKey, TransferView } from "#contract/api/transfers.ts";
import { RegistrySeed, type SeededFile } from "../artifacts/registry_seed.ts";
import { Transfers } from "../artifacts/transfers.ts";
import type { PublishPorts } from "../capture/publish.ts";
import type { ServerOptions } from "../cli/server_options.ts";
import { readAuthority } from "../connections/pem_file.ts";
import type { Publish } from "../fleet/ports.ts";
import type { ImageService } from "../images/image_service.ts";
import type { Notices } from "../images/notices.ts";
import { credentialsFor } from "../registry/docker_credentials.ts";
import { Registry } from "../registry/registry.ts";
import type { ImageStore } from "../store/images.ts";
import type { StartContext } from "./start_context.ts";

type RegistrySettings = Pick<ServerOptions, "registryAuthFile" | "registryCaFile" | "registryHttp">;

export function openRegistry(
  { registryAuthFile, registryCaFile, registryHttp = [] }: RegistrySettings,
): Registry {
  return new Registry({
    credentials: credentialsFor(registryAuthFile),
    caPem: readAuthority(registryCaFile, {
      setting: "--registry-ca-file",
      title: "cannot use OCI registries",
    }),
    plainHttp: registryHttp,
  });
}

/** Undefined without --registry-seed. */
export function registrySeed(
  { options: { registrySeed: repository }, closing: signal, now }: StartContext,
  { registry, notices }: { registry: Registry; notices: Notices },
): ((file: SeededFile) => Promise<string | undefined>) | undefined {
  if (repository === undefined) return undefined;
  const onProblem = (notice: Parameters<Notices["set"]>[1]) => notices.set("registry seed", notice);
  const seed = new RegistrySeed(registry.requests, { repository, onProblem, signal, now });
  return (file) => seed.urlOf(file);
}

/** For the API. */
interface TransferControl {
  push(ref: string, to: string): TransferView;
  pull(from: string, key: ImageKey | undefined): TransferView;
  get(id: string): TransferView;
  cancel(id: string): Promise<TransferView>;
  key(image: string): ImageKey;
}

export function startTransfers(
  { stack }: StartContext,
  { store, images, registry, ports, publish }: {
    store: ImageStore;
    images: ImageService;
    registry: Registry;
    ports: PublishPorts;
    publish: Publish;
  },
): TransferControl {
  const transfers = stack.use(
    new Transfers({
      store,
      registry,
      ports,
      async onPulled(ref) {
        await images.serve(ref);
        publish({ type: "images" });
      },
    }),
  );
  return {
    push: (ref, to) => transfers.push(ref, to),
    pull: (from, key) => transfers.pull(from, key),
    get: (id) => transfers.get(id),
    cancel: (id) => transfers.cancel(id),
    key(name) {
      const { image, key, publicKey } = store.published(name);
      return { format: "rackseed-image-key", image, key: Buffer.from(key).toString("base64"), publicKey };
    },
  };
}
