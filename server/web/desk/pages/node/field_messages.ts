/** The fields of a node's settings. */
export const fieldMessages = {
  mac: { en: "MAC of the boot NIC", de: "MAC der Boot-Netzwerkkarte", zh: "启动网卡 MAC" },
  hostname: { en: "Host name", de: "Hostname", zh: "主机名" },
  identity: { en: "Identity", de: "Identität", zh: "身份来源" },
  address: { en: "Address", de: "Adresse", zh: "地址" },
  gateway: { en: "Gateway", de: "Gateway", zh: "网关" },
  dns: { en: "Name servers", de: "Nameserver", zh: "域名服务器" },
  interfaces: { en: "Further interfaces", de: "Weitere Schnittstellen", zh: "其他网络接口" },
  group: { en: "Group", de: "Gruppe", zh: "分组" },
  rack: { en: "Rack", de: "Rack", zh: "机架" },
  disks: { en: "Target disks", de: "Zielplatten", zh: "目标磁盘" },
  dataDisks: { en: "Data disks that are written", de: "Beschriebene Datenplatten", zh: "会写入的数据盘" },
  leaveDisks: { en: "Disks left alone", de: "Unberührte Platten", zh: "不触碰的磁盘" },
  mirror: { en: "Disks of each mirror", de: "Platten je Spiegel", zh: "每个镜像阵列的磁盘数" },
  unlock: {
    en: "How encrypted volumes are opened",
    de: "Wie verschlüsselte Volumes geöffnet werden",
    zh: "加密卷解锁方式",
  },
  bootProgram: { en: "First UEFI boot program", de: "Erstes UEFI-Bootprogramm", zh: "首个 UEFI 启动程序" },
  finish: { en: "After the installation", de: "Nach der Installation", zh: "安装完成后" },
  requireTpm: { en: "Proof by its TPM", de: "Beweis durch sein TPM", zh: "TPM 证明" },
  uploadLimit: { en: "Upload limit", de: "Upload-Grenze", zh: "上传限速" },
  backupEverySeconds: { en: "Interval of backups", de: "Abstand der Sicherungen", zh: "备份间隔" },
} as const;

export const hintMessages = {
  identity: {
    en: "assign: from these settings; keep: from the old disk; ask: a person at the console.",
    de: "assign: aus diesen Einstellungen; keep: von der alten Platte; ask: eine Person an der Konsole.",
    zh: "assign：取自本设置；keep：沿用旧磁盘；ask：由控制台前的人输入。",
  },
  address: {
    en: "10.0.0.5/24, dhcp, or off for none.",
    de: "10.0.0.5/24, dhcp, oder off für keine.",
    zh: "10.0.0.5/24、dhcp，或 off 表示不设地址。",
  },
  dns: {
    en: "One in each line, three at most.",
    de: "Je Zeile einer, höchstens drei.",
    zh: "每行一个，最多三个。",
  },
  interfaces: {
    en: "One in each line: MAC=10.1.0.5/24, bond0=MAC+MAC,802.3ad=dhcp, bond0.100=10.2.0.5/24.",
    de: "Je Zeile eine: MAC=10.1.0.5/24, bond0=MAC+MAC,802.3ad=dhcp, bond0.100=10.2.0.5/24.",
    zh: "每行一个：MAC=10.1.0.5/24、bond0=MAC+MAC,802.3ad=dhcp、bond0.100=10.2.0.5/24。",
  },
  rack: {
    en: "Nodes of one rack prefer each other as peers.",
    de: "Knoten eines Racks bevorzugen einander als Peers.",
    zh: "同一机架的节点优先互传数据。",
  },
  disks: {
    en:
      "A name below /dev/disk/by-path or by-id in each line. Empty: the plan chooses, if only one choice fits.",
    de:
      "Je Zeile ein Name unter /dev/disk/by-path oder by-id. Leer: Der Plan wählt, wenn nur eine Wahl passt.",
    zh: "每行一个 /dev/disk/by-path 或 by-id 下的名称。留空：仅有一种可行选择时由方案自动选定。",
  },
  dataDisks: {
    en: "One in each line: /srv=/dev/disk/by-path/… All others keep what they hold.",
    de: "Je Zeile eine: /srv=/dev/disk/by-path/… Alle anderen behalten ihren Inhalt.",
    zh: "每行一个：/srv=/dev/disk/by-path/… 其余数据盘保持不变。",
  },
  leaveDisks: {
    en: "One in each line: a disk's name, a size such as >2TB, or label=DATA.",
    de: "Je Zeile eine: Name der Platte, Größe wie >2TB, oder label=DATA.",
    zh: "每行一个：磁盘名称、容量条件如 >2TB，或 label=DATA。",
  },
  mirror: {
    en: "Empty: as many as on the template.",
    de: "Leer: so viele wie auf der Vorlage.",
    zh: "留空：与模板相同。",
  },
  bootProgram: {
    en: "ipxe.efi is for firmware that hangs with snponly.efi.",
    de: "ipxe.efi ist für Firmware, die mit snponly.efi hängen bleibt.",
    zh: "若固件使用 snponly.efi 会卡死，请选 ipxe.efi。",
  },
  finish: {
    en: "kexec starts the system without the firmware, which saves minutes.",
    de: "kexec startet das System ohne die Firmware und spart Minuten.",
    zh: "kexec 跳过固件直接启动系统，可节省数分钟。",
  },
  requireTpm: {
    en: "on: it gets its order only if its TPM proves that it runs this server's agent.",
    de:
      "on: Er bekommt seinen Auftrag nur, wenn sein TPM beweist, dass er den Agenten dieses Servers ausführt.",
    zh: "on：只有其 TPM 证明运行的是本服务器的代理，才会获得任务。",
  },
  uploadLimit: {
    en: "Such as 800mbit or 100MB/s; off: none, even if the site has one.",
    de: "Etwa 800mbit oder 100MB/s; off: keine, auch wenn der Standort eine hat.",
    zh: "例如 800mbit 或 100MB/s；off：不限速，即使站点设有限速。",
  },
  backupEverySeconds: {
    en: "Such as 24h or 7d, while its agent runs.",
    de: "Etwa 24h oder 7d, solange sein Agent läuft.",
    zh: "例如 24h 或 7d，仅在其代理运行时。",
  },
} as const;
