/** The data directory opened: its database and store, the server's CA and its admin token. */
import { pinOf } from "#contract/token.ts";
import { AdminToken } from "../access/admin_token.ts";
import { type Authority, openAuthority } from "../access/tls.ts";
import { ApiTokens } from "../store/api_tokens.ts";
import { AuditLog } from "../store/audit_log.ts";
import { DataDirectory } from "../store/data_directory.ts";
import { openDatabase } from "../store/database.ts";
import { Deployments } from "../store/deployments.ts";
import { ImageStore } from "../store/images.ts";
import { openSigningKey } from "../store/keys.ts";
import { Nodes } from "../store/nodes.ts";
import { WalSource } from "../standby/wal_source.ts";
import { RehearsalTable } from "../store/rehearsals.ts";
import { SiteTable } from "../store/sites.ts";
import { UpstreamTable } from "../store/upstream.ts";
import { signedVersions } from "../store/versions.ts";
import { Users } from "../store/users.ts";
import type { StartContext } from "./start_context.ts";

export interface ServerData {
  readonly directory: DataDirectory;
  readonly db: ReturnType<typeof openDatabase>;
  readonly authority: Authority;
  /** Pin of the CA, which tokens carry. */
  readonly pin: string;
  readonly admin: AdminToken;
  readonly audit: AuditLog;
  readonly users: Users;
  readonly tokens: ApiTokens;
  readonly nodes: Nodes;
  readonly deployments: Deployments;
  readonly rehearsals: RehearsalTable;
  readonly sites: SiteTable;
  readonly upstream: UpstreamTable;
  readonly store: ImageStore;
  /** The database, as standbys copy it. */
  readonly source: WalSource;
}

/** The directory's lock must be held. Throws RackseedError. */
export async function openData({ options, stack, now }: StartContext): Promise<ServerData> {
  const directory = new DataDirectory(options.data);
  const db = openDatabase(directory.database);
  const source = new WalSource(db, directory.database);
  stack.defer(() => {
    db.close();
    source[Symbol.dispose]();
  });
  const authority = await openAuthority(options.data);
  const pin = pinOf(authority.pem);
  const admin = AdminToken.open(options.data, { pin });
  const audit = new AuditLog(db, { now });
  const users = new Users(db, { now }), tokens = new ApiTokens(db, { now });
  const nodes = new Nodes(db, { now });
  const deployments = new Deployments(db, { now });
  const rehearsals = new RehearsalTable(db);
  const sites = new SiteTable(db), upstream = new UpstreamTable(db);
  const store = stack.use(
    new ImageStore({
      db,
      directory,
      signingKey: await openSigningKey(directory, { signed: signedVersions(db) }),
      inUse: (version) => {
        const assigned = sites.sitesOf(`${version.image}@${version.version}`);
        if (assigned.length > 0) {
          return `it is assigned to the site ${assigned.join(", ")} (rackseed site unassign)`;
        }
        if (upstream.wants(version)) return "the upstream assigns it to this site";
        const names = deployments.queries.nodesWaitingFor(version).flatMap((id) =>
          nodes.find(id)?.name ?? []
        );
        return names.length === 0 ? undefined : `it is being deployed to ${names.join(", ")}`;
      },
    }),
  );
  return {
    directory,
    db,
    authority,
    pin,
    admin,
    audit,
    users,
    tokens,
    nodes,
    deployments,
    rehearsals,
    sites,
    upstream,
    store,
    source,
  };
}
