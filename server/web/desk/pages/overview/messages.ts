import { messages } from "../../messages/messages.ts";

export const t = messages({
  title: { en: "Overview", de: "Übersicht", zh: "概览" },
  wrong: { en: "What is wrong", de: "Was nicht stimmt", zh: "异常" },
  allWell: { en: "Nothing is wrong.", de: "Alles in Ordnung.", zh: "一切正常。" },
  moreLike: {
    en: { one: "and {n} more node like it", other: "and {n} more nodes like it" },
    de: { one: "und {n} weiterer Knoten", other: "und {n} weitere Knoten" },
    zh: "另有 {n} 个节点",
  },
  silentTitle: {
    en: {
      one: "{n} node is silent while it is installed",
      other: "{n} nodes are silent while they are installed",
    },
    de: {
      one: "{n} Knoten schweigt während der Installation",
      other: "{n} Knoten schweigen während der Installation",
    },
    zh: "{n} 个节点在安装中失去响应",
  },
  silentRemedy: {
    en: "Check their power and network.",
    de: "Strom und Netz prüfen.",
    zh: "请检查电源和网络。",
  },
  abortedTitle: {
    en: { one: "{n} node has an incomplete disk", other: "{n} nodes have incomplete disks" },
    de: {
      one: "{n} Knoten hat einen unvollständigen Datenträger",
      other: "{n} Knoten haben unvollständige Datenträger",
    },
    zh: "{n} 个节点的磁盘不完整",
  },
  abortedRemedy: {
    en: "Their installation was cancelled. Deploy them again.",
    de: "Ihre Installation wurde abgebrochen. Neu installieren.",
    zh: "安装已被取消，请重新部署。",
  },
  hardwareTitle: {
    en: { one: "{n} node has hardware warnings", other: "{n} nodes have hardware warnings" },
    de: { one: "{n} Knoten hat Hardware-Warnungen", other: "{n} Knoten haben Hardware-Warnungen" },
    zh: "{n} 个节点有硬件警告",
  },
  hardwareRemedy: {
    en: "Look at what changed, then replace the part or accept the change.",
    de: "Die Änderung ansehen, dann das Teil tauschen oder die Änderung annehmen.",
    zh: "查看变化，然后更换部件或接受变化。",
  },
  driftTitle: {
    en: { one: "{n} node differs from its image", other: "{n} nodes differ from their images" },
    de: { one: "{n} Knoten weicht von seinem Image ab", other: "{n} Knoten weichen von ihren Images ab" },
    zh: "{n} 个节点与镜像不一致",
  },
  driftRemedy: {
    en: "Look at the difference, then restore the node or capture it.",
    de: "Den Unterschied ansehen, dann wiederherstellen oder aufnehmen.",
    zh: "查看差异，然后还原或采集。",
  },
  failedTitle: {
    en: { one: "{n} node: {what}", other: "{n} nodes: {what}" },
    de: { one: "{n} Knoten: {what}", other: "{n} Knoten: {what}" },
    zh: "{n} 个节点：{what}",
  },
  show: { en: "Show", de: "Anzeigen", zh: "查看" },
  states: { en: "Nodes by state", de: "Knoten nach Zustand", zh: "按状态统计" },
  running: { en: "In progress", de: "Läuft gerade", zh: "进行中" },
  nothingRuns: { en: "Nothing is in progress.", de: "Nichts läuft gerade.", zh: "没有进行中的任务。" },
  deployment: { en: "Deployment", de: "Installation", zh: "部署" },
  restore: { en: "Restore", de: "Wiederherstellung", zh: "还原" },
  backup: { en: "Backup at boot", de: "Sicherung beim Start", zh: "启动时备份" },
  capture: { en: "Capture of {image}", de: "Aufnahme von {image}", zh: "采集 {image}" },
  done: { en: "{done} of {all} done", de: "{done} von {all} fertig", zh: "已完成 {done} / {all}" },
  waiting: {
    en: { one: "{n} waits for its boot", other: "{n} wait for their boot" },
    de: { one: "{n} wartet auf den Start", other: "{n} warten auf den Start" },
    zh: "{n} 个等待启动",
  },
  failedCount: { en: "{n} failed", de: "{n} fehlgeschlagen", zh: "{n} 个失败" },
  throughput: { en: "Throughput", de: "Durchsatz", zh: "吞吐量" },
  fromServer: { en: "the server sends", de: "der Server sendet", zh: "服务器发送" },
  toNodes: { en: "the nodes receive", de: "die Knoten empfangen", zh: "节点接收" },
  space: { en: "Space for images", de: "Platz für Images", zh: "镜像空间" },
  free: {
    en: "{free} free of {size}; images take {used}",
    de: "{free} frei von {size}; Images belegen {used}",
    zh: "共 {size}，剩余 {free}；镜像占用 {used}",
  },
  last: { en: "Last orders", de: "Letzte Aufträge", zh: "最近操作" },
  allAudit: { en: "The whole audit log", de: "Das ganze Protokoll", zh: "完整审计日志" },
  appeared: {
    en: { one: "{n} machine appeared and is no node", other: "{n} machines appeared and are no nodes" },
    de: {
      one: "{n} Maschine ist aufgetaucht und kein Knoten",
      other: "{n} Maschinen sind aufgetaucht und keine Knoten",
    },
    zh: "发现 {n} 台尚未收编的机器",
  },
  adopt: { en: "Look at them", de: "Ansehen", zh: "查看" },
  firstSteps: { en: "First steps", de: "Erste Schritte", zh: "第一步" },
  firstTemplate: {
    en: "On the machine to be captured, run:",
    de: "Auf der Maschine, die aufgenommen werden soll:",
    zh: "在要采集的机器上运行：",
  },
});
