/** What main.ts passes to the command line: the server and the agent, loaded when they run. */
import type { ExportDisk } from "#contract/disk_export.ts";
import type { SendTree } from "./images.ts";
import type {
  BackUpServer,
  DoctorCommand,
  JoinServer,
  RestoreServer,
  ServerCommand,
  ServiceOptions,
  SupportCommand,
} from "./server_options.ts";

interface TemplateCommand {
  readonly server: string;
  readonly token: string;
  readonly name?: string | undefined;
  readonly root?: string | undefined;
  readonly state?: string | undefined;
  readonly allowHooks?: boolean | undefined;
  readonly signal: AbortSignal;
}

/** In the initramfs every field is absent: the settings come from the kernel command line. */
interface InstallCommand {
  readonly server?: string | undefined;
  readonly token?: string | undefined;
  readonly target?: string | undefined;
  readonly restore?: boolean | undefined;
  readonly signal: AbortSignal;
}

export interface Actions {
  readonly version: string;
  readonly apiDocument: () => Promise<object>;
  readonly signal: AbortSignal;
  /** `reread` reads the settings again, as on SIGHUP. */
  readonly runServer: (options: ServerCommand, source: { reread: () => ServerCommand }) => Promise<void>;
  readonly installService: (options: ServiceOptions) => Promise<void>;
  readonly uninstallService: (options: ServiceOptions) => Promise<void>;
  readonly backUpServer: (file: string, options: BackUpServer) => Promise<void>;
  readonly restoreServer: (file: string, options: RestoreServer) => Promise<void>;
  readonly joinServer: (server: string, options: JoinServer) => Promise<void>;
  readonly runDoctor: (options: DoctorCommand) => Promise<void>;
  readonly supportBundle: (file: string, options: SupportCommand) => Promise<void>;
  readonly runTemplate: (options: TemplateCommand) => Promise<void>;
  readonly runInstall: (options: InstallCommand) => Promise<void>;
  readonly sendTree: SendTree;
  readonly exportDisk: ExportDisk;
  /** Throws if the kernel uses the block device. */
  readonly claimDevice: (path: string) => Promise<void>;
}
