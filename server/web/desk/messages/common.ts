/** Words that many pages need. */
import { messages } from "./messages.ts";

export const t = messages({
  close: { en: "Close", de: "Schließen", zh: "关闭" },
  cancel: { en: "Cancel", de: "Abbrechen", zh: "取消" },
  save: { en: "Save", de: "Speichern", zh: "保存" },
  add: { en: "Add", de: "Hinzufügen", zh: "添加" },
  edit: { en: "Edit", de: "Bearbeiten", zh: "编辑" },
  remove: { en: "Remove", de: "Entfernen", zh: "移除" },
  delete: { en: "Delete", de: "Löschen", zh: "删除" },
  copy: { en: "Copy", de: "Kopieren", zh: "复制" },
  copied: { en: "Copied", de: "Kopiert", zh: "已复制" },
  loading: { en: "Loading…", de: "Wird geladen …", zh: "加载中…" },
  tryAgain: { en: "Try again", de: "Erneut versuchen", zh: "重试" },
  remedy: { en: "What to do: {remedy}", de: "Abhilfe: {remedy}", zh: "处理办法：{remedy}" },
  unknown: { en: "unknown", de: "unbekannt", zh: "未知" },
  none: { en: "none", de: "keine", zh: "无" },
  asks: { en: "{action}…", de: "{action} …", zh: "{action}…" },
  more: { en: "Show more", de: "Mehr anzeigen", zh: "显示更多" },
  command: { en: "On the command line", de: "Auf der Kommandozeile", zh: "命令行" },
  notFound: { en: "There is no such page", de: "Diese Seite gibt es nicht", zh: "没有此页面" },
  toOverview: { en: "To the overview", de: "Zur Übersicht", zh: "前往概览" },
  actions: { en: "Actions", de: "Aktionen", zh: "操作" },
  nodes: {
    en: { one: "{n} node", other: "{n} nodes" },
    de: { one: "{n} Knoten", other: "{n} Knoten" },
    zh: "{n} 个节点",
  },
  minutesLeft: { en: "{time} left", de: "noch {time}", zh: "剩余 {time}" },
});
