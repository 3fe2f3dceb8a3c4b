import { messages } from "../../messages/messages.ts";

export const t = messages({
  title: { en: "Sites", de: "Standorte", zh: "站点" },
  siteTitle: { en: "Site {name}", de: "Standort {name}", zh: "站点 {name}" },
  about: {
    en: "A site has a relay: a server that mirrors images of this one and installs the nodes there.",
    de:
      "Ein Standort hat ein Relais: einen Server, der Images von diesem spiegelt und die Knoten dort installiert.",
    zh: "每个站点有一台中继服务器：它镜像本服务器的镜像，并安装该站点的节点。",
  },
  none: {
    en: "No sites yet. One server is enough where all nodes are in its network.",
    de: "Noch keine Standorte. Sind alle Knoten in einem Netz, genügt ein Server.",
    zh: "尚无站点。若所有节点都在同一网络中，一台服务器即可。",
  },
  add: { en: "Add a site…", de: "Standort hinzufügen …", zh: "添加站点…" },
  addTitle: { en: "Add a site", de: "Standort hinzufügen", zh: "添加站点" },
  name: { en: "Name", de: "Name", zh: "名称" },
  nameRule: {
    en: "Small letters, digits and -",
    de: "Kleinbuchstaben, Ziffern und -",
    zh: "小写字母、数字以及 -",
  },
  site: { en: "Site", de: "Standort", zh: "站点" },
  state: { en: "State", de: "Zustand", zh: "状态" },
  heard: { en: "Last heard", de: "Zuletzt gehört", zh: "最近联系" },
  images: { en: "Images", de: "Images", zh: "镜像" },
  nodes: { en: "Nodes", de: "Knoten", zh: "节点" },
  image: { en: "Image", de: "Image", zh: "镜像" },
  node: { en: "Node", de: "Knoten", zh: "节点" },
  group: { en: "Group", de: "Gruppe", zh: "分组" },
  problem: { en: "Problem", de: "Problem", zh: "问题" },
  never: { en: "never", de: "nie", zh: "从未" },
  waiting: { en: "waiting for its relay", de: "wartet auf sein Relais", zh: "等待中继接入" },
  active: { en: "connected", de: "verbunden", zh: "已连接" },
  silent: { en: "silent", de: "verstummt", zh: "无响应" },
  revoked: { en: "revoked", de: "widerrufen", zh: "已撤销" },
  ready: { en: "there", de: "vorhanden", zh: "已就绪" },
  copying: { en: "being copied, {percent} %", de: "wird kopiert, {percent} %", zh: "复制中，{percent} %" },
  toCopy: { en: "waits", de: "wartet", zh: "等待中" },
  failed: { en: "failed", de: "fehlgeschlagen", zh: "失败" },
  copies: { en: "{ready} of {all}", de: "{ready} von {all}", zh: "{all} 个中的 {ready} 个" },
  assigned: { en: "Assigned images", de: "Zugewiesene Images", zh: "已分配的镜像" },
  assignedAs: { en: "Assigned as", de: "Zugewiesen als", zh: "分配方式" },
  noneAssigned: {
    en: "Nothing is assigned to this site.",
    de: "Diesem Standort ist nichts zugewiesen.",
    zh: "尚未向此站点分配任何镜像。",
  },
  noNodes: {
    en: "The relay has reported no nodes.",
    de: "Das Relais hat keine Knoten gemeldet.",
    zh: "中继尚未上报任何节点。",
  },
  assign: { en: "Assign an image…", de: "Image zuweisen …", zh: "分配镜像…" },
  assignTitle: { en: "Assign an image to {name}", de: "{name} ein Image zuweisen", zh: "向 {name} 分配镜像" },
  assignAction: { en: "Assign", de: "Zuweisen", zh: "分配" },
  assignAbout: {
    en: "NAME and NAME@TAG are followed, NAME@VERSION stays. The relay gets the image's key.",
    de: "NAME und NAME@TAG werden verfolgt, NAME@VERSION bleibt. Das Relais bekommt den Schlüssel des Image.",
    zh: "NAME 和 NAME@TAG 会跟随更新，NAME@VERSION 保持不变。中继将获得该镜像的密钥。",
  },
  unassign: { en: "Unassign", de: "Zuweisung beenden", zh: "取消分配" },
  unassignImage: { en: "Unassign {ref}", de: "Zuweisung von {ref} beenden", zh: "取消分配 {ref}" },
  unassigned: {
    en: "{ref} is no longer assigned.",
    de: "{ref} ist nicht mehr zugewiesen.",
    zh: "已取消分配 {ref}。",
  },
  newToken: { en: "New token…", de: "Neues Token …", zh: "新令牌…" },
  newTokenTitle: {
    en: "A new token for {name}",
    de: "Ein neues Token für {name}",
    zh: "{name} 的新令牌",
  },
  newTokenAbout: {
    en: "For another relay, or one that was revoked. The token before is no longer good.",
    de: "Für ein anderes oder ein widerrufenes Relais. Das bisherige Token gilt dann nicht mehr.",
    zh: "用于另一台中继或已撤销的中继。之前的令牌将失效。",
  },
  make: { en: "Make", de: "Erzeugen", zh: "生成" },
  token: {
    en: "The token of {name}. It is not shown again.",
    de: "Das Token von {name}. Es wird nicht noch einmal gezeigt.",
    zh: "{name} 的令牌。不会再次显示。",
  },
  tokenUntil: {
    en: "It enrols one relay, until {time}. At the site, put it into a file and start the server with it:",
    de:
      "Damit meldet sich ein Relais an, bis {time}. Am Standort das Token in eine Datei schreiben und den Server " +
      "damit starten:",
    zh: "可供一台中继接入，有效期至 {time}。在站点将其写入文件，并以此启动服务器：",
  },
  revoke: { en: "Revoke…", de: "Widerrufen …", zh: "撤销…" },
  revokeTitle: {
    en: "Revoke the relay of {name}",
    de: "Relais von {name} widerrufen",
    zh: "撤销 {name} 的中继",
  },
  revokeAction: { en: "Revoke", de: "Widerrufen", zh: "撤销" },
  revokeAbout: {
    en:
      "From now on it gets nothing more. What it has it keeps, with the keys of the images that were assigned " +
      "to it.",
    de:
      "Ab sofort bekommt es nichts mehr. Was es hat, behält es, mit den Schlüsseln der Images, die ihm zugewiesen " +
      "waren.",
    zh: "从现在起它将得不到任何内容。已有的内容以及已分配镜像的密钥仍由其保留。",
  },
  done: { en: "Done.", de: "Erledigt.", zh: "已完成。" },
  events: { en: "Events", de: "Ereignisse", zh: "事件" },
  time: { en: "Time", de: "Zeit", zh: "时间" },
  what: { en: "What", de: "Was", zh: "内容" },
  result: { en: "Result", de: "Ergebnis", zh: "结果" },
});
