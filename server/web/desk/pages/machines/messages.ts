import { messages } from "../../messages/messages.ts";

export const t = messages({
  title: { en: "Machines that appeared", de: "Aufgetauchte Maschinen", zh: "新发现的机器" },
  about: {
    en:
      "They asked for an address or booted from the network, and are no nodes. Nothing is installed on them.",
    de:
      "Sie haben nach einer Adresse gefragt oder vom Netz gestartet und sind keine Knoten. Auf ihnen wird nichts installiert.",
    zh: "这些机器请求过地址或从网络启动，但还不是节点。不会在其上安装任何内容。",
  },
  empty: {
    en: "None. Let a machine boot from the network, and it appears here.",
    de: "Keine. Eine Maschine, die vom Netz startet, erscheint hier.",
    zh: "没有。让机器从网络启动，就会出现在这里。",
  },
  machine: { en: "Machine", de: "Maschine", zh: "机器" },
  hardware: { en: "Hardware", de: "Hardware", zh: "硬件" },
  seen: { en: "Last seen", de: "Zuletzt gesehen", zh: "最近出现" },
  first: { en: "First seen", de: "Zuerst gesehen", zh: "首次出现" },
  address: { en: "Address", de: "Adresse", zh: "地址" },
  select: { en: "Select {name}", de: "{name} auswählen", zh: "选择 {name}" },
  selectAll: { en: "Select all", de: "Alle auswählen", zh: "全选" },
  adopt: {
    en: { one: "Adopt {n} machine…", other: "Adopt {n} machines…" },
    de: { one: "{n} Maschine aufnehmen …", other: "{n} Maschinen aufnehmen …" },
    zh: "收编 {n} 台机器…",
  },
  discover: {
    en: "Read the hardware at the next boot",
    de: "Hardware beim nächsten Start lesen",
    zh: "下次启动时读取硬件",
  },
  discovered: {
    en: {
      one: "The hardware of {n} machine is read at its next network boot.",
      other: "The hardware of {n} machines is read at their next network boot.",
    },
    de: {
      one: "Die Hardware von {n} Maschine wird beim nächsten Netzwerkstart gelesen.",
      other: "Die Hardware von {n} Maschinen wird beim nächsten Netzwerkstart gelesen.",
    },
    zh: "{n} 台机器将在下次网络启动时读取硬件。",
  },
  name: { en: "Name", de: "Name", zh: "名称" },
  names: {
    en: "Names, as a range such as node[001-032], in the order in which the machines first appeared",
    de: "Namen, als Bereich wie node[001-032], in der Reihenfolge des ersten Auftauchens",
    zh: "名称范围，例如 node[001-032]，按首次出现的顺序",
  },
  group: { en: "Group (may stay empty)", de: "Gruppe (kann leer bleiben)", zh: "分组（可留空）" },
  rack: { en: "Rack (may stay empty)", de: "Rack (kann leer bleiben)", zh: "机架（可留空）" },
  wrongCount: {
    en: "These are {given} names for {n} machines.",
    de: "Das sind {given} Namen für {n} Maschinen.",
    zh: "{n} 台机器却给了 {given} 个名称。",
  },
  adopted: {
    en: { one: "{names} is a node now.", other: "{names} are nodes now." },
    de: { one: "{names} ist jetzt ein Knoten.", other: "{names} sind jetzt Knoten." },
    zh: "{names} 已成为节点。",
  },
  order: {
    en: "Nothing is installed on them until they are deployed.",
    de: "Auf ihnen wird nichts installiert, bis sie scharf geschaltet werden.",
    zh: "部署之前不会安装任何内容。",
  },
  notKnown: { en: "not read yet", de: "noch nicht gelesen", zh: "尚未读取" },
  waits: {
    en: "its hardware is read at the next boot",
    de: "Hardware wird beim nächsten Start gelesen",
    zh: "下次启动时读取硬件",
  },
});
