import { messages } from "../../messages/messages.ts";

export const t = messages({
  images: { en: "Images", de: "Images", zh: "镜像" },
  title: { en: "{from} → {to}", de: "{from} → {to}", zh: "{from} → {to}" },
  about: {
    en: {
      one: "{n} entry differs; {bytes} of new content.",
      other: "{n} entries differ; {bytes} of new content.",
    },
    de: {
      one: "{n} Eintrag weicht ab; {bytes} neuer Inhalt.",
      other: "{n} Einträge weichen ab; {bytes} neuer Inhalt.",
    },
    zh: "{n} 项不同；新内容 {bytes}。",
  },
  same: { en: "Nothing differs.", de: "Es gibt keine Unterschiede.", zh: "没有差异。" },
  hidden: {
    en: "Nothing differs in what is chosen above.",
    de: "In dem, was oben gewählt ist, gibt es keine Unterschiede.",
    zh: "所选类型中没有差异。",
  },
  show: { en: "Show", de: "Zeigen", zh: "显示" },
  changes: { en: "Changes", de: "Änderungen", zh: "差异" },
  open: { en: "Open {name}", de: "{name} aufklappen", zh: "展开 {name}" },
  added: { en: "added", de: "neu", zh: "新增" },
  removed: { en: "removed", de: "entfernt", zh: "删除" },
  content: { en: "content", de: "Inhalt", zh: "内容" },
  type: { en: "type", de: "Art", zh: "类型" },
  mode: { en: "mode", de: "Rechte", zh: "权限" },
  owner: { en: "owner", de: "Eigentümer", zh: "属主" },
  xattrs: { en: "attributes, ACLs", de: "Attribute, ACLs", zh: "扩展属性与 ACL" },
  flags: { en: "flags", de: "Flags", zh: "标志" },
  target: { en: "link target", de: "Linkziel", zh: "链接目标" },
  device: { en: "device", de: "Gerät", zh: "设备号" },
  time: { en: "time", de: "Zeit", zh: "修改时间" },
  isPrivate: { en: "may hold secrets", de: "evtl. geheim", zh: "可能含机密" },
  text: { en: "Text changes", de: "Textänderungen", zh: "文本差异" },
  textOf: { en: "Text changes of {name}", de: "Textänderungen von {name}", zh: "{name} 的文本差异" },
  hideText: { en: "Hide", de: "Ausblenden", zh: "隐藏" },
  secret: {
    en: "Not everybody on its machine may read this file: it may hold passwords or keys.",
    de:
      "Auf ihrer Maschine darf nicht jeder diese Datei lesen: Sie kann Passwörter oder Schlüssel enthalten.",
    zh: "在原机器上并非人人可读此文件，其中可能有密码或密钥。",
  },
  showAnyway: { en: "Show it anyway", de: "Trotzdem anzeigen", zh: "仍要显示" },
  isWhole: {
    en:
      "The two have too little in common: all of the old text is shown as removed, all of the new as added.",
    de: "Beide haben zu wenig gemeinsam: Der alte Text steht ganz als entfernt da, der neue ganz als neu.",
    zh: "两者差异过大：旧文本全部显示为删除，新文本全部显示为新增。",
  },
  sameText: { en: "The text is the same.", de: "Der Text ist gleich.", zh: "文本相同。" },
});
