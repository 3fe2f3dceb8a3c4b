import { messages } from "../../messages/messages.ts";

export const t = messages({
  backUp: {
    en: { one: "Back up {n} node", other: "Back up {n} nodes" },
    de: { one: "{n} Knoten sichern", other: "{n} Knoten sichern" },
    zh: "备份 {n} 个节点",
  },
  byAgent: {
    en: "{names}: now, by the agent that runs there",
    de: "{names}: jetzt, durch den Agenten, der dort läuft",
    zh: "{names}：由正在运行的代理立即备份",
  },
  atBoot: {
    en: "{names}: at the next network boot; the disks are only read",
    de: "{names}: beim nächsten Netzwerkstart; die Platten werden nur gelesen",
    zh: "{names}：在下次网络启动时备份，磁盘只读",
  },
  excludes: { en: "Leave out these paths too", de: "Auch diese Pfade auslassen", zh: "同时排除这些路径" },
  pathsHint: {
    en: "one in a line, such as /srv/cache",
    de: "einer pro Zeile, etwa /srv/cache",
    zh: "每行一个，例如 /srv/cache",
  },
  backupLine: {
    en: "A backup is a version named after its node. Nothing on the node changes.",
    de: "Eine Sicherung ist eine Version mit dem Namen des Knotens. Auf dem Knoten ändert sich nichts.",
    zh: "备份是以节点命名的版本，节点上不会有任何改动。",
  },
  check: {
    en: { one: "Check {n} node", other: "Check {n} nodes" },
    de: { one: "{n} Knoten prüfen", other: "{n} Knoten prüfen" },
    zh: "检查 {n} 个节点",
  },
  checkLine: {
    en: "The agent on each node compares it with its image, at 5 % of a core at most. Nothing is changed.",
    de:
      "Der Agent auf jedem Knoten vergleicht ihn mit seinem Image, mit höchstens 5 % eines Kerns. Nichts wird geändert.",
    zh: "各节点上的代理将其与镜像比较，最多占用单核的 5 %，不做任何改动。",
  },
  noAgent: {
    en: {
      one: "{names} has no agent that is connected, and will be refused.",
      other: "{names} have no agent that is connected, and will be refused.",
    },
    de: {
      one: "{names} hat keinen verbundenen Agenten und wird abgelehnt.",
      other: "{names} haben keinen verbundenen Agenten und werden abgelehnt.",
    },
    zh: "{names} 没有在线代理，将被拒绝。",
  },
  keep: { en: "Do not compare these paths", de: "Diese Pfade nicht vergleichen", zh: "不比较这些路径" },
  content: { en: "read every file", de: "jede Datei lesen", zh: "读取每个文件" },
  remove: {
    en: { one: "Delete {n} node", other: "Delete {n} nodes" },
    de: { one: "{n} Knoten löschen", other: "{n} Knoten löschen" },
    zh: "删除 {n} 个节点",
  },
  removeLine: {
    en: "The server forgets settings, log, identity and hardware. No disk is touched.",
    de: "Der Server vergisst Einstellungen, Verlauf, Identität und Hardware. Die Platten bleiben unberührt.",
    zh: "服务器将清除其设置、日志、身份与硬件记录，磁盘不受影响。",
  },
  depends: { en: "What depends on them", de: "Was davon abhängt", zh: "受影响的内容" },
  nothingDepends: {
    en: "Nothing else depends on them.",
    de: "Sonst hängt nichts davon ab.",
    zh: "没有其他依赖。",
  },
  keyLost: {
    en: {
      one: "{names}: the server’s copy of the recovery key is lost",
      other: "{names}: the server’s copies of their recovery keys are lost",
    },
    de: {
      one: "{names}: die Kopie des Wiederherstellungsschlüssels geht verloren",
      other: "{names}: die Kopien der Wiederherstellungsschlüssel gehen verloren",
    },
    zh: "{names}：服务器保存的恢复密钥将丢失",
  },
  loseKeys: { en: "delete them all the same", de: "trotzdem löschen", zh: "仍然删除" },
  hasOrder: {
    en: "{names}: armed, being installed, or restored at every boot. Refused until that is cancelled.",
    de:
      "{names}: scharf, wird installiert oder bei jedem Start wiederhergestellt. Abgelehnt, bis das abgebrochen ist.",
    zh: "{names}：已就绪、正在安装或每次启动还原。取消前无法删除。",
  },
  inSchedule: {
    en: "the schedule {name} names {names}",
    de: "der Zeitplan {name} nennt {names}",
    zh: "计划 {name} 包含 {names}",
  },
  hasHooks: {
    en: "{names}: hooks of their own go too",
    de: "{names}: eigene Hooks gehen mit",
    zh: "{names}：其专属钩子一并删除",
  },
  keepsBackups: {
    en: "{names}: their backups stay as images",
    de: "{names}: ihre Sicherungen bleiben als Images",
    zh: "{names}：其备份仍作为镜像保留",
  },
  removed: {
    en: { one: "{n} node deleted.", other: "{n} nodes deleted." },
    de: { one: "{n} Knoten gelöscht.", other: "{n} Knoten gelöscht." },
    zh: "已删除 {n} 个节点。",
  },
});
