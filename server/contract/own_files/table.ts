/**
 * What makes a machine itself, and what becomes of it on a clone. The rule: where two machines with the same are one
 * too many, a clone gets a fresh value, or none and makes its own; what a cluster shares by design stays; what only
 * the site can judge stays too, and the capture says so in the version's notes. OWN_FILES.md is this table for people.
 *
 * Read for it: systemd's "Building Images Safely", virt-sysprep(1), `cloud-init clean`, and the manuals of the
 * programs named on how to prepare a template.
 */

/** How a fresh value is made; agent/install/identity/own_files/fresh_values.ts. */
export type FreshValue =
  | "iscsi-initiator"
  | "nvme-host-nqn"
  | "nvme-host-id"
  | "host-id"
  | "adjtime"
  | "popularity-contest";

export type OwnFiles =
  & {
    readonly what: string;
    /** See pattern.ts. */
    readonly paths: readonly string[];
  }
  & (
    /** By the node's identity: its name, its addresses, its machine-id and SSH host keys. */
    | { readonly clone: "given"; readonly how: string }
    /** A new value in place of the template's; nothing where the template has none. */
    | { readonly clone: "fresh"; readonly value: FreshValue; readonly how: string; readonly carried?: true }
    | {
      readonly clone: "removed";
      /** What makes it again. */
      readonly back: string;
      /** What the version's notes say, if somebody must act before it works again. */
      readonly tell?: string;
      /** Others know the machine by it: identity *keep* carries it over from the old disk. */
      readonly carried?: true;
    }
    /** Its program wants the file to be there. */
    | { readonly clone: "emptied"; readonly back: string }
    | { readonly clone: "kept"; readonly because: string }
    | {
      readonly clone: "told";
      readonly tell: string;
      /** Whether a restore leaves the node's alone, or brings the image's back as any other file. */
      readonly restore: "own" | "image";
    }
  );

export const OWN_FILES: readonly OwnFiles[] = [
  // the system
  {
    what: "host name",
    paths: ["/etc/hostname", "/etc/hosts", "/etc/HOSTNAME", "/etc/mailname"],
    clone: "given",
    how: "the node's; the domain stays where its name has none",
  },
  {
    what: "host name in settings of programs, where it is exactly the template's",
    paths: [
      "/etc/sysconfig/network",
      "/etc/conf.d/hostname",
      "/etc/machine-info",
      "/etc/postfix/main.cf",
      "/etc/exim4/update-exim4.conf.conf",
      "/etc/zabbix/zabbix_agentd.conf",
      "/etc/zabbix/zabbix_agent2.conf",
      "/etc/salt/minion",
      "/etc/puppetlabs/puppet/puppet.conf",
      "/etc/puppet/puppet.conf",
      "/etc/samba/smb.conf",
      "/etc/ipa/default.conf",
      "/etc/sssd/sssd.conf",
    ],
    clone: "given",
    how: "the node's; all else in these files stays",
  },
  {
    what: "addresses",
    paths: [
      "/etc/network/interfaces",
      "/etc/network/interfaces.d/*",
      "/etc/netplan/*",
      "/etc/systemd/network/*",
      "/etc/NetworkManager/system-connections/*",
      "/etc/sysconfig/network-scripts/ifcfg-*",
      "/etc/resolv.conf",
    ],
    clone: "given",
    how: "the node's; the template's are set aside in /var/lib/rackseed/template",
  },
  {
    what: "machine-id",
    paths: ["/etc/machine-id", "/var/lib/dbus/machine-id"],
    clone: "given",
    how: "fresh, or the one that was kept; systemd's DHCP client makes its DUID of it",
  },
  {
    what: "SSH host keys",
    paths: ["/etc/ssh/ssh_host_*"],
    clone: "given",
    how: "fresh by the image's ssh-keygen, or those that were kept",
  },
  {
    what: "host id (gethostid, ZFS)",
    paths: ["/etc/hostid"],
    clone: "fresh",
    value: "host-id",
    how: "four random bytes",
    carried: true,
  },
  {
    what: "random seeds",
    paths: [
      "/var/lib/systemd/random-seed",
      "/boot/loader/random-seed",
      "/boot/efi/loader/random-seed",
      "/efi/loader/random-seed",
      "/var/lib/urandom/random-seed",
      "/var/lib/misc/random-seed",
      "/var/lib/random-seed",
    ],
    clone: "removed",
    back: "the next boot",
  },
  {
    what: "key of systemd's sealed credentials",
    paths: ["/var/lib/systemd/credential.secret"],
    clone: "removed",
    back: "systemd-creds",
  },
  {
    what: "TPM state of systemd",
    paths: ["/var/lib/systemd/tpm2-srk-public-key.*", "/var/lib/systemd/pcrlock.json"],
    clone: "removed",
    back: "systemd-tpm2-setup, systemd-pcrlock",
  },
  {
    what: "credentials that systemd sealed",
    paths: ["/etc/credstore.encrypted/*"],
    clone: "told",
    tell: "credentials are sealed to the template: no clone can open them; encrypt them on each clone",
    restore: "own",
  },
  {
    what: "key that signs home directories (systemd-homed)",
    paths: ["/var/lib/systemd/home/local.private", "/var/lib/systemd/home/local.public"],
    clone: "kept",
    because: "the image's own home directories are signed by it",
  },
  {
    what: "how far the clock drifts",
    paths: ["/etc/adjtime"],
    clone: "fresh",
    value: "adjtime",
    how: "no drift; UTC or local time stays",
  },
  {
    what: "how far the clock drifts, by NTP",
    paths: [
      "/var/lib/chrony/drift",
      "/var/lib/ntp/drift",
      "/var/lib/ntp/ntp.drift",
      "/var/lib/ntpsec/ntp.drift",
      "/var/lib/openntpd/ntpd.drift",
      "/var/lib/openntpd/db/ntpd.drift",
      "/etc/ntp.drift",
    ],
    clone: "removed",
    back: "the NTP daemon",
  },
  {
    what: "names of drives by udev",
    paths: ["/etc/udev/rules.d/70-persistent-cd.rules"],
    clone: "removed",
    back: "udev",
  },
  {
    what: "Bluetooth adapters and what is paired with them",
    paths: ["/var/lib/bluetooth/*"],
    clone: "removed",
    back: "bluetoothd",
  },
  {
    what: "switches and brightness of the machine's devices",
    paths: ["/var/lib/systemd/rfkill", "/var/lib/systemd/backlight"],
    clone: "kept",
    because: "they are named after devices; other devices are not touched",
  },
  {
    what: "logs and the journal of the template's machine-id",
    paths: ["/var/log", "/var/log/journal/*"],
    clone: "kept",
    because: "they are content; `journalctl` shows a clone's own; exclude /var/log/* to leave them out",
  },
  {
    what: "cloud-init's instance",
    paths: ["/var/lib/cloud/instance", "/var/lib/cloud/instances", "/var/lib/cloud/data"],
    clone: "kept",
    because:
      "its id is of this machine only, and a new instance would run the template's user data again: users, " +
      "locked passwords, packages; `image set --own` removes it",
  },
  {
    what: "keys of users",
    paths: ["/root/.ssh", "/home/*/.ssh"],
    clone: "kept",
    because: "clusters log in among themselves by one key",
  },
  {
    what: "keys that sign kernel modules",
    paths: ["/var/lib/shim-signed/mok", "/var/lib/dkms/mok.key"],
    clone: "kept",
    because: "the image's modules are signed by them",
  },
  {
    what: "id for Debian's package survey",
    paths: ["/etc/popularity-contest.conf"],
    clone: "fresh",
    value: "popularity-contest",
    how: "32 random hexadecimal digits in MY_HOSTID",
  },
  {
    what: "ids of surveys and crash reports",
    paths: [
      "/var/lib/whoopsie/whoopsie-id",
      "/var/lib/zypp/AnonymousUniqueId",
      "/etc/smolt/hw-uuid",
      "/etc/smolt/uuid",
    ],
    clone: "removed",
    back: "the program",
  },
  {
    what: "key that signs fwupd's reports",
    paths: ["/var/lib/fwupd/pki/*"],
    clone: "removed",
    back: "fwupd",
  },

  // DHCP
  {
    what: "DHCP leases and DUIDs",
    paths: [
      "/var/lib/dhcp/dhclient*",
      "/var/lib/dhcp/*.lease",
      "/var/lib/dhclient/*",
      "/var/lib/dhcpcd/*",
      "/var/lib/dhcpcd5/*",
      "/var/db/dhcpcd/*",
      "/etc/dhcpcd.duid",
      "/etc/dhcpcd.secret",
      "/var/lib/NetworkManager/secret_key",
      "/var/lib/NetworkManager/seen-bssids",
      "/var/lib/NetworkManager/timestamps",
      "/var/lib/NetworkManager/*.lease",
      "/var/lib/wicked/duid.xml",
      "/var/lib/wicked/iaid.xml",
      "/var/lib/wicked/lease-*",
      "/var/lib/wide-dhcpv6/dhcp6c_duid",
      "/var/lib/dibbler/client-*",
    ],
    clone: "removed",
    back: "the DHCP client",
  },
  {
    what: "leases that a DHCP server gave",
    paths: ["/var/lib/dhcp/dhcpd*.leases", "/var/lib/dhcpd/dhcpd*.leases"],
    clone: "emptied",
    back: "dhcpd, which does not start without the file",
  },
  {
    what: "leases that other DHCP servers gave",
    paths: ["/var/lib/misc/dnsmasq.leases", "/var/lib/dnsmasq/dnsmasq.leases", "/var/lib/kea/*.csv*"],
    clone: "removed",
    back: "the DHCP server",
  },

  // storage
  {
    what: "iSCSI initiator name",
    paths: ["/etc/iscsi/initiatorname.iscsi"],
    clone: "fresh",
    value: "iscsi-initiator",
    how: "the template's prefix with twelve random hexadecimal digits; interface records follow it",
    carried: true,
  },
  {
    what: "NVMe host NQN",
    paths: ["/etc/nvme/hostnqn"],
    clone: "fresh",
    value: "nvme-host-nqn",
    how: "nqn.2014-08.org.nvmexpress:uuid: and a random UUID; config.json follows it",
    carried: true,
  },
  {
    what: "NVMe host id",
    paths: ["/etc/nvme/hostid"],
    clone: "fresh",
    value: "nvme-host-id",
    how: "the UUID of the host NQN: the kernel wants them as a pair",
    carried: true,
  },
  {
    what: "iSCSI targets",
    paths: ["/etc/iscsi/nodes/*", "/var/lib/iscsi/nodes/*", "/var/lib/open-iscsi/nodes/*"],
    clone: "told",
    tell:
      "the template knows iSCSI targets: each clone logs in there, too, by a name of its own; see what the target " +
      "lets it have",
    restore: "image",
  },
  {
    what: "iSCSI in the initramfs",
    paths: ["/etc/iscsi/iscsi.initramfs"],
    clone: "told",
    tell: "the initramfs logs in to iSCSI targets by the template's name, which was copied into it: " +
      "update-initramfs -u in a post-install hook gives it the clone's",
    restore: "image",
  },
  {
    what: "NVMe subsystems",
    paths: ["/etc/nvme/config.json"],
    clone: "told",
    tell:
      "the template knows NVMe subsystems: each clone connects to them, too, by a name of its own; see what they " +
      "let it have",
    restore: "own",
  },
  {
    what: "names of multipath devices",
    paths: ["/etc/multipath/bindings", "/etc/multipath/wwids"],
    clone: "kept",
    because: "the machines of a cluster name the same storage alike",
  },
  {
    what: "disks that LVM may use",
    paths: ["/etc/lvm/devices/system.devices"],
    clone: "removed",
    back: "vgimportdevices; without it LVM looks at all disks",
  },
  {
    what: "ZFS pools that are imported at boot",
    paths: ["/etc/zfs/zpool.cache"],
    clone: "removed",
    back: "`zpool import`",
    tell: "no clone imports the template's ZFS pools by itself: two machines on one pool destroy it",
  },
  {
    what: "NFS: peers to be told of a restart, clients of the server",
    paths: [
      "/var/lib/nfs/sm/*",
      "/var/lib/nfs/sm.bak/*",
      "/var/lib/nfs/state",
      "/var/lib/nfs/statd/sm/*",
      "/var/lib/nfs/statd/sm.bak/*",
      "/var/lib/nfs/statd/state",
      "/var/lib/nfs/v4recovery/*",
      "/var/lib/nfs/nfsdcltrack/*",
      "/var/lib/nfs/nfsdcld/*",
    ],
    clone: "removed",
    back: "rpc.statd, nfsd",
  },
  {
    what: "NFS: who has mounted from the server",
    paths: ["/var/lib/nfs/rmtab"],
    clone: "emptied",
    back: "rpc.mountd",
  },
  {
    what: "id of a GlusterFS peer",
    paths: ["/var/lib/glusterd/glusterd.info", "/var/lib/glusterd2/uuid.toml"],
    clone: "removed",
    back: "glusterd",
    tell: "no clone is the template's GlusterFS peer: probe each clone",
  },
  {
    what: "daemons of a storage cluster",
    paths: ["/var/lib/ceph/*/*/keyring", "/var/mmfs/gen/mmfsNodeData"],
    clone: "told",
    tell: "each clone has the keys of the template's storage daemons: take them out before two run",
    restore: "image",
  },

  // who others take it for
  {
    what: "Kerberos keytab",
    paths: ["/etc/krb5.keytab"],
    clone: "removed",
    back: "joining the realm",
    tell:
      "no clone has the template's Kerberos keytab: join each clone to the realm or domain, for instance in a " +
      "first-boot hook",
    carried: true,
  },
  {
    what: "Samba's machine account and SID",
    paths: ["/var/lib/samba/private/secrets.tdb", "/var/lib/samba/private/netlogon_creds_cli.tdb"],
    clone: "removed",
    back: "Samba; joining the domain",
    tell: "no clone has Samba's machine account: join each clone to the domain",
    carried: true,
  },
  {
    what: "a domain controller's directory",
    paths: ["/var/lib/samba/private/sam.ldb"],
    clone: "told",
    tell: "the template is a domain controller: join clones as controllers of their own, never as copies",
    restore: "image",
  },
  {
    what: "Salt minion: id and keys",
    paths: ["/etc/salt/minion_id", "/etc/salt/pki/minion/minion.pem", "/etc/salt/pki/minion/minion.pub"],
    clone: "removed",
    back: "salt-minion",
    carried: true,
  },
  {
    what: "Puppet agent's keys",
    paths: [
      "/etc/puppetlabs/puppet/ssl/private_keys/*",
      "/etc/puppetlabs/puppet/ssl/public_keys/*",
      "/etc/puppetlabs/puppet/ssl/certificate_requests/*",
      "/var/lib/puppet/ssl/private_keys/*",
      "/var/lib/puppet/ssl/public_keys/*",
      "/var/lib/puppet/ssl/certificate_requests/*",
    ],
    clone: "removed",
    back: "the agent, which asks its server to sign it",
    carried: true,
  },
  {
    what: "Chef client's key",
    paths: ["/etc/chef/client.pem", "/etc/cinc/client.pem"],
    clone: "removed",
    back: "chef-client, by the validation key",
    carried: true,
  },
  {
    what: "Red Hat subscription",
    paths: [
      "/etc/pki/consumer/*",
      "/etc/pki/entitlement/*",
      "/etc/sysconfig/rhn/systemid",
      "/etc/insights-client/machine-id",
    ],
    clone: "removed",
    back: "subscription-manager",
    tell:
      "no clone is registered at Red Hat: subscription-manager register, for instance in a first-boot hook",
    carried: true,
  },
  {
    what: "SUSE registration",
    paths: ["/etc/zypp/credentials.d/SCCcredentials"],
    clone: "removed",
    back: "SUSEConnect",
    tell: "no clone is registered at SUSE: SUSEConnect --cleanup, then --regcode",
    carried: true,
  },
  {
    what: "Ubuntu Pro, Landscape",
    paths: [
      "/var/lib/ubuntu-advantage/machine-token.json",
      "/var/lib/ubuntu-advantage/private/machine-token.json",
      "/var/lib/landscape/client/broker.bpickle",
    ],
    clone: "removed",
    back: "`pro attach`, landscape-config",
    tell: "no clone is attached to Ubuntu Pro or Landscape: pro attach, landscape-config",
    carried: true,
  },
  {
    what: "snapd's serial",
    paths: ["/var/lib/snapd/device", "/var/lib/snapd/assertions"],
    clone: "kept",
    because: "the store accepts a shared serial, and snapd breaks without it",
  },
  {
    what: "overlay networks that give each member one key",
    paths: [
      "/var/lib/tailscale/tailscaled.state",
      "/var/lib/tailscale/tailscaled.log.conf",
      "/var/lib/zerotier-one/identity.secret",
      "/var/lib/zerotier-one/identity.public",
      "/var/lib/zerotier-one/authtoken.secret",
    ],
    clone: "removed",
    back: "the daemon",
    tell: "no clone is a member of the template's overlay network: let each clone log in",
    carried: true,
  },
  {
    what: "private keys of tunnels",
    paths: [
      "/etc/wireguard/*",
      "/etc/netbird/config.json",
      "/etc/nebula/*.key",
      "/etc/tinc/*/rsa_key.priv",
      "/etc/tinc/*/ed25519_key.priv",
      "/etc/ipsec.d/private/*",
      "/etc/swanctl/private/*",
    ],
    clone: "told",
    tell: "each clone has the private key of the template's tunnel: two with one key throw each other out",
    restore: "own",
  },
  {
    what: "self-signed certificates and keys of services",
    paths: [
      "/etc/ssl/private/ssl-cert-snakeoil.key",
      "/etc/pki/tls/private/localhost.key",
      "/etc/exim4/exim.key",
      "/etc/webmin/miniserv.pem",
      "/etc/xrdp/rsakeys.ini",
      "/etc/dropbear/dropbear_*_host_key",
      "/etc/dropbear/initramfs/dropbear_*_host_key",
      "/etc/dropbear-initramfs/dropbear_*_host_key",
    ],
    clone: "told",
    tell:
      "each clone has this private key of the template: make another in a first-boot hook where that matters",
    restore: "own",
  },
  {
    what: "Cockpit's self-signed certificate",
    paths: ["/etc/cockpit/ws-certs.d/0-self-signed*"],
    clone: "removed",
    back: "Cockpit",
  },
  {
    what: "Tor relay's keys",
    paths: ["/var/lib/tor/keys/*"],
    clone: "removed",
    back: "Tor",
  },

  // agents of monitoring and security
  {
    what: "Netdata's id and claim",
    paths: ["/var/lib/netdata/registry/netdata.public.unique.id", "/var/lib/netdata/cloud.d/*"],
    clone: "removed",
    back: "Netdata; the claim by netdata-claim.sh",
  },
  {
    what: "ids of Elastic's Beats",
    paths: ["/var/lib/*beat/meta.json", "/var/lib/*beat/beat.db"],
    clone: "removed",
    back: "the Beat",
  },
  {
    what: "Wazuh's or OSSEC's key",
    paths: ["/var/ossec/etc/client.keys"],
    clone: "removed",
    back: "the agent, which enrols itself",
    carried: true,
  },
  {
    what: "Checkmk agent's registration",
    paths: ["/var/lib/cmk-agent/registered_connections.json"],
    clone: "removed",
    back: "`cmk-agent-ctl register`",
    tell: "no clone is registered at Checkmk: cmk-agent-ctl register",
    carried: true,
  },
  {
    what: "ids of scanners",
    paths: ["/etc/tenable_tag", "/etc/qualys/hostid"],
    clone: "removed",
    back: "the agent",
  },
  {
    what: "agents that were enrolled on the template",
    paths: [
      "/opt/Elastic/Agent/fleet.enc",
      "/opt/CrowdStrike/falconstore",
      "/opt/nessus_agent/var/nessus/uuid",
      "/var/lib/icinga2/certs/*.key",
      "/var/cfengine/ppkeys/localhost.priv",
      "/var/lib/cfengine3/ppkeys/localhost.priv",
      "/var/lib/juju/agents",
      "/var/lib/maas/maas_id",
      "/var/lib/amazon/ssm/Vault/Store/RegistrationKey",
      "/opt/actions-runner/.credentials",
      "/home/*/actions-runner/.credentials",
    ],
    clone: "told",
    tell:
      "an agent was enrolled on the template, and all clones report as one: reset it by its maker's way, or name " +
      "its files by `image set --own`",
    restore: "own",
  },

  // containers and clusters
  {
    what: "Docker engine's id",
    paths: ["/etc/docker/key.json", "/var/lib/docker/engine-id"],
    clone: "removed",
    back: "dockerd",
  },
  {
    what: "membership in a Docker swarm",
    paths: ["/var/lib/docker/swarm"],
    clone: "removed",
    back: "`docker swarm join`",
    tell: "no clone is a member of the template's Docker swarm: docker swarm join",
  },
  {
    what: "containerd's id",
    paths: ["/var/lib/containerd/io.containerd.grpc.v1.introspection/uuid"],
    clone: "removed",
    back: "containerd",
  },
  {
    what: "a Kubernetes node's certificates",
    paths: ["/var/lib/kubelet/pki/*", "/etc/kubernetes/kubelet.conf"],
    clone: "removed",
    back: "`kubeadm join`",
    tell: "no clone is the template's Kubernetes node: kubeadm join, for instance in a first-boot hook",
    carried: true,
  },
  {
    what: "k3s and RKE2: the node's password and certificates",
    paths: [
      "/etc/rancher/node/password",
      "/var/lib/rancher/*/agent/client-*",
      "/var/lib/rancher/*/agent/serving-*",
    ],
    clone: "removed",
    back: "the agent, by the cluster's token",
    carried: true,
  },
  {
    what: "Consul, Nomad and Vault: a node's id",
    paths: [
      "/var/lib/consul/node-id",
      "/opt/consul/node-id",
      "/opt/consul/data/node-id",
      "/opt/nomad/data/client/client-id",
      "/opt/nomad/data/client/secret-id",
      "/opt/nomad/client/client-id",
      "/opt/nomad/client/secret-id",
      "/var/lib/nomad/client/client-id",
      "/var/lib/nomad/client/secret-id",
      "/opt/vault/data/node-id",
    ],
    clone: "removed",
    back: "the agent",
    carried: true,
  },
  {
    what: "Teleport's host id and certificates",
    paths: ["/var/lib/teleport/host_uuid", "/var/lib/teleport/proc"],
    clone: "removed",
    back: "Teleport, by a token",
    tell: "no clone has the template's place in Teleport: give each a token",
  },
  {
    what: "GitLab runner's system id",
    paths: ["/etc/gitlab-runner/.runner_system_id"],
    clone: "removed",
    back: "gitlab-runner; its token may be shared",
    carried: true,
  },
  {
    what: "OpenStack compute node's id",
    paths: ["/var/lib/nova/compute_id"],
    clone: "removed",
    back: "nova-compute",
    carried: true,
  },
  {
    what: "Open vSwitch's system id",
    paths: ["/etc/openvswitch/system-id.conf"],
    clone: "removed",
    back: "ovs-ctl",
    carried: true,
  },
  {
    what: "MySQL server's UUID",
    paths: ["/var/lib/mysql/auto.cnf"],
    clone: "removed",
    back: "mysqld",
  },
  {
    what: "ids of further servers",
    paths: [
      "/var/lib/arangodb3/SERVER",
      "/var/lib/pritunl/pritunl.uuid",
      "/var/lib/scylla-housekeeping/housekeeping.uuid",
    ],
    clone: "removed",
    back: "the server",
  },
  {
    what: "PostgreSQL's system identifier",
    paths: ["/var/lib/postgresql/*/*/global/pg_control", "/var/lib/pgsql/data/global/pg_control"],
    clone: "kept",
    because: "replicas must have their primary's",
  },
  {
    what: "databases that keep a member's id among their data",
    paths: [
      "/var/lib/etcd/member",
      "/var/lib/rancher/*/server/db/etcd/member",
      "/var/lib/elasticsearch/nodes",
      "/var/lib/elasticsearch/_state",
      "/var/lib/opensearch/nodes",
      "/var/lib/kafka/meta.properties",
      "/var/lib/kafka/*/meta.properties",
      "/var/lib/zookeeper/myid",
      "/var/lib/cassandra/data/system",
      "/var/lib/rabbitmq/mnesia/rabbit@*",
      "/var/lib/redis/nodes.conf",
      "/var/lib/pve-cluster/config.db",
    ],
    clone: "told",
    tell:
      "a cluster's member is captured with its id: a clone that starts it takes the template's place; exclude " +
      "it, or remove it in a first-boot hook",
    restore: "image",
  },
  {
    what: "secrets that the machines of a cluster share",
    paths: [
      "/etc/munge/munge.key",
      "/etc/slurm/slurm.key",
      "/etc/corosync/authkey",
      "/etc/pacemaker/authkey",
      "/var/lib/rabbitmq/.erlang.cookie",
      "/etc/ceph/ceph.client.*.keyring",
      "/etc/kubernetes/pki",
    ],
    clone: "kept",
    because: "without them a clone would be no member",
  },
];

/** Whether a node has such files from nobody but itself: a restore leaves them alone and never makes the image's. */
export function isMadeByNode(row: OwnFiles): boolean {
  switch (row.clone) {
    case "fresh":
    case "removed":
    case "emptied":
      return true;
    case "told":
    // the clone's record names those, whichever the image uses
    case "given":
    case "kept":
      return false;
  }
}

/** Whether a restore leaves the node's alone, and makes the image's where they are lost. */
export function isPreferred(row: OwnFiles): boolean {
  return row.clone === "told" && row.restore === "own";
}

/** Whether identity *keep* carries the files over from the old disk, or from the server's record of the node. */
export function isCarried(row: OwnFiles): boolean {
  return "carried" in row;
}
