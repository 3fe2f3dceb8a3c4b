import { messages } from "../../messages/messages.ts";

export const t = messages({
  title: { en: "Settings", de: "Einstellungen", zh: "设置" },
  swarm: { en: "Swarm", de: "Schwarm", zh: "分发群" },
  uploadLimit: { en: "Upload limit of the server", de: "Sendelimit des Servers", zh: "服务器上传限速" },
  nodeUploadLimit: {
    en: "Upload limit of each node",
    de: "Sendelimit jedes Knotens",
    zh: "每个节点上传限速",
  },
  rackPrefix: {
    en: "Racks by network: nodes that share this many leading bits of their address",
    de: "Racks nach Netz: Knoten mit so vielen gleichen führenden Bits ihrer Adresse",
    zh: "按网络划分机架：地址前若干位相同的节点",
  },
  serverRack: { en: "The server's own rack", de: "Rack des Servers", zh: "服务器所在机架" },
  seed: { en: "Finished nodes seed", de: "Fertige Knoten verteilen weiter", zh: "完成的节点继续做种" },
  rateHint: {
    en: "for instance 800mbit; empty: no limit",
    de: "etwa 800mbit; leer: kein Limit",
    zh: "例如 800mbit；留空则不限",
  },
  seedHint: {
    en: "none, while-needed, while-needed:30min or for:10min",
    de: "none, while-needed, while-needed:30min oder for:10min",
    zh: "none、while-needed、while-needed:30min 或 for:10min",
  },
  saved: { en: "The settings are in effect.", de: "Die Einstellungen gelten.", zh: "设置已生效。" },
  webhooks: { en: "Webhooks", de: "Webhooks", zh: "Webhook" },
  noWebhooks: { en: "No webhooks yet.", de: "Noch keine Webhooks.", zh: "尚无 Webhook。" },
  addWebhook: { en: "Add a webhook…", de: "Webhook hinzufügen …", zh: "添加 Webhook…" },
  name: { en: "Name", de: "Name", zh: "名称" },
  url: { en: "URL", de: "URL", zh: "网址" },
  events: {
    en: "Events (none chosen: all)",
    de: "Ereignisse (keins gewählt: alle)",
    zh: "事件（不选则全部）",
  },
  all: { en: "all events", de: "alle Ereignisse", zh: "全部事件" },
  waiting: {
    en: "{waiting} waiting, {failed} failed",
    de: "{waiting} warten, {failed} gescheitert",
    zh: "{waiting} 待发，{failed} 失败",
  },
  secret: {
    en: "The secret of {name}, shown this once: {secret}",
    de: "Das Geheimnis von {name}, nur dieses eine Mal gezeigt: {secret}",
    zh: "{name} 的密钥，仅显示这一次：{secret}",
  },
  test: { en: "Send a test", de: "Test senden", zh: "发送测试" },
  delivered: { en: "The test was delivered.", de: "Der Test ist angekommen.", zh: "测试已送达。" },
  notDelivered: {
    en: "The test was not delivered: {reason}",
    de: "Der Test kam nicht an: {reason}",
    zh: "测试未送达：{reason}",
  },
  removeWebhook: {
    en: "Delete the webhook {name}?",
    de: "Webhook {name} löschen?",
    zh: "删除 Webhook {name}？",
  },
  failures: {
    en: "Messages that could not be delivered",
    de: "Nachrichten, die nicht zugestellt wurden",
    zh: "无法送达的消息",
  },
  resend: { en: "Send them once more", de: "Noch einmal senden", zh: "重新发送" },
  resent: {
    en: { one: "{n} message is sent once more.", other: "{n} messages are sent once more." },
    de: {
      one: "{n} Nachricht wird noch einmal gesendet.",
      other: "{n} Nachrichten werden noch einmal gesendet.",
    },
    zh: "正在重新发送 {n} 条消息。",
  },
  mail: { en: "Mail", de: "Mail", zh: "邮件" },
  noMail: {
    en: "No mail is sent: the server's settings mail-server, mail-from and mail-to turn it on.",
    de:
      "Es wird keine Mail gesendet: die Server-Einstellungen mail-server, mail-from und mail-to schalten sie ein.",
    zh: "未启用邮件：在服务器设置 mail-server、mail-from、mail-to 后启用。",
  },
  mailTo: {
    en: "from {from} to {to} by {server}",
    de: "von {from} an {to} über {server}",
    zh: "经 {server} 由 {from} 发往 {to}",
  },
  server: { en: "Server", de: "Server", zh: "服务器" },
  version: { en: "Version {version}", de: "Version {version}", zh: "版本 {version}" },
  backup: {
    en: "Download a backup of the server",
    de: "Sicherung des Servers herunterladen",
    zh: "下载服务器备份",
  },
  backupAbout: {
    en:
      "Database, keys and certificates, without the images. It holds every secret of the site: keep it safe.",
    de:
      "Datenbank, Schlüssel und Zertifikate, ohne die Images. Sie enthält alle Geheimnisse: sicher aufbewahren.",
    zh: "包含数据库、密钥和证书，不含镜像。其中有站点的全部机密，请妥善保管。",
  },
  backedUp: { en: "The backup is downloaded.", de: "Die Sicherung ist heruntergeladen.", zh: "备份已下载。" },
  onlyAdmins: {
    en: "Only admins can change these.",
    de: "Nur Admins können das ändern.",
    zh: "仅管理员可更改。",
  },
});
