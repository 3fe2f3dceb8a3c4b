import { messages } from "../../messages/messages.ts";

export const t = messages({
  title: { en: "Hooks", de: "Hooks", zh: "钩子脚本" },
  about: {
    en: "Your scripts, run as root at set moments of a capture or an installation.",
    de: "Eigene Skripte, die zu festen Zeitpunkten einer Aufnahme oder Installation als root laufen.",
    zh: "在采集或安装的固定时刻以 root 身份运行的脚本。",
  },
  none: { en: "No hooks yet.", de: "Noch keine Hooks.", zh: "尚无钩子脚本。" },
  add: { en: "Add a hook…", de: "Hook hinzufügen …", zh: "添加钩子脚本…" },
  addTitle: { en: "Add a hook", de: "Hook hinzufügen", zh: "添加钩子脚本" },
  editTitle: { en: "Hook {name}", de: "Hook {name}", zh: "钩子脚本 {name}" },
  editName: { en: "Edit {name}", de: "{name} bearbeiten", zh: "编辑 {name}" },
  deleteName: { en: "Delete {name}", de: "{name} löschen", zh: "删除 {name}" },
  deleteTitle: { en: "Delete the hook {name}?", de: "Hook {name} löschen?", zh: "删除钩子脚本 {name}？" },
  deleteAbout: {
    en: "From now on it no longer runs for {scope} at {when}.",
    de: "Er läuft dann nicht mehr für {scope} bei {when}.",
    zh: "此后不再为 {scope} 在 {when} 运行。",
  },
  saved: {
    en: "The hook {name} is saved.",
    de: "Hook {name} ist gespeichert.",
    zh: "已保存钩子脚本 {name}。",
  },
  deleted: {
    en: "The hook {name} is deleted.",
    de: "Hook {name} ist gelöscht.",
    zh: "已删除钩子脚本 {name}。",
  },
  exists: {
    en: "there is already one of this name at this moment.",
    de: "an dieser Stelle gibt es schon einen mit diesem Namen.",
    zh: "此时机已有同名脚本。",
  },
  existsRemedy: {
    en: "choose another name, or edit that one.",
    de: "anderen Namen wählen oder jenen bearbeiten.",
    zh: "请换一个名称，或编辑已有的脚本。",
  },
  name: { en: "Name", de: "Name", zh: "名称" },
  scope: { en: "Runs for", de: "Läuft für", zh: "适用于" },
  when: { en: "When", de: "Wann", zh: "时机" },
  script: { en: "Script", de: "Skript", zh: "脚本" },
  scriptHint: {
    en:
      "Without #! it runs in /bin/sh. Known: RACKSEED_WHEN, _IMAGE, _VERSION, _NODE, _HOSTNAME, _ADDRESS, _DISKS.",
    de:
      "Ohne #! läuft es in /bin/sh. Bekannt: RACKSEED_WHEN, _IMAGE, _VERSION, _NODE, _HOSTNAME, _ADDRESS, _DISKS.",
    zh:
      "没有 #! 时用 /bin/sh 运行。可用变量：RACKSEED_WHEN、_IMAGE、_VERSION、_NODE、_HOSTNAME、_ADDRESS、_DISKS。",
  },
  optional: {
    en: "If it fails, go on all the same",
    de: "Auch bei Fehlschlag weitermachen",
    zh: "失败时仍继续",
  },
  mandatory: { en: "stops on failure", de: "hält bei Fehlschlag an", zh: "失败则停止" },
  goesOn: { en: "goes on after a failure", de: "geht nach Fehlschlag weiter", zh: "失败仍继续" },
  timeout: { en: "Time limit in seconds", de: "Zeitlimit in Sekunden", zh: "时限（秒）" },
  limit: { en: "at most {time}", de: "höchstens {time}", zh: "最长 {time}" },
  all: { en: "everything", de: "alles", zh: "全部" },
  image: { en: "image {name}", de: "Image {name}", zh: "镜像 {name}" },
  group: { en: "group {name}", de: "Gruppe {name}", zh: "分组 {name}" },
  node: { en: "node {name}", de: "Knoten {name}", zh: "节点 {name}" },
  ownerAll: { en: "everything", de: "alles", zh: "全部" },
  ownerImage: { en: "an image", de: "ein Image", zh: "某个镜像" },
  ownerGroup: { en: "a group of nodes", de: "eine Gruppe von Knoten", zh: "某个节点分组" },
  ownerNode: { en: "a node", de: "einen Knoten", zh: "某个节点" },
  owner: { en: "Its name", de: "Dessen Name", zh: "名称" },
  preCapture: { en: "before a capture", de: "vor einer Aufnahme", zh: "采集前" },
  postCapture: { en: "after a capture", de: "nach einer Aufnahme", zh: "采集后" },
  preInstall: {
    en: "before the disk is touched",
    de: "bevor die Platte angefasst wird",
    zh: "写入磁盘前",
  },
  postInstall: {
    en: "in the clone, once it is complete",
    de: "im Klon, sobald er vollständig ist",
    zh: "克隆完成后（在克隆内）",
  },
  firstBoot: {
    en: "on the clone's first boot",
    de: "beim ersten Start des Klons",
    zh: "克隆首次启动时",
  },
});
