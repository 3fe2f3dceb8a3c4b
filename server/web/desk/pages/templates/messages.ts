import { messages } from "../../messages/messages.ts";

export const t = messages({
  title: { en: "Templates", de: "Vorlagen", zh: "模板" },
  about: {
    en: "Machines whose agent waits for a capture.",
    de: "Maschinen, deren Agent auf eine Aufnahme wartet.",
    zh: "代理程序正在等待采集的机器。",
  },
  none: {
    en: "No template yet. On the machine to be captured, run:",
    de: "Noch keine Vorlage. Auf der Maschine, die aufgenommen werden soll:",
    zh: "尚无模板。在要采集的机器上运行：",
  },
  another: { en: "Add another template", de: "Weitere Vorlage hinzufügen", zh: "添加模板" },
  run: {
    en: "On the machine to be captured, run:",
    de: "Auf der Maschine, die aufgenommen werden soll:",
    zh: "在要采集的机器上运行：",
  },
  online: { en: "online", de: "verbunden", zh: "在线" },
  offline: { en: "offline", de: "getrennt", zh: "离线" },
  seen: { en: "last seen", de: "zuletzt gesehen", zh: "最近出现" },
  system: { en: "System", de: "System", zh: "系统" },
  kernel: { en: "Kernel", de: "Kernel", zh: "内核" },
  firmware: { en: "Firmware", de: "Firmware", zh: "固件" },
  address: { en: "Address", de: "Adresse", zh: "地址" },
  disks: { en: "Disks", de: "Platten", zh: "磁盘" },
  used: { en: "{used} used of {size}", de: "{used} von {size} belegt", zh: "已用 {used} / {size}" },
  last: { en: "Last capture", de: "Letzte Aufnahme", zh: "最近采集" },
  never: {
    en: "none since the server started",
    de: "keine seit dem Start des Servers",
    zh: "服务器启动后尚无",
  },
  obstacles: {
    en: "A clone of it could not be rebuilt:",
    de: "Ein Klon ließe sich nicht nachbauen:",
    zh: "其克隆无法重建：",
  },
  capture: { en: "Capture…", de: "Aufnehmen …", zh: "采集…" },
  captureName: { en: "Capture {name}", de: "{name} aufnehmen", zh: "采集 {name}" },
  start: { en: "Start the capture", de: "Aufnahme starten", zh: "开始采集" },
  started: {
    en: "The capture of {image} has begun.",
    de: "Die Aufnahme von {image} hat begonnen.",
    zh: "已开始采集 {image}。",
  },
  image: { en: "Image", de: "Image", zh: "镜像" },
  newVersion: {
    en: "It becomes {image}@{n}: only what changed is read and stored.",
    de: "Sie wird {image}@{n}: nur Geändertes wird gelesen und gespeichert.",
    zh: "将成为 {image}@{n}：只读取并存储有变化的内容。",
  },
  newImage: { en: "A new image.", de: "Ein neues Image.", zh: "新镜像。" },
  level: { en: "Compression", de: "Kompression", zh: "压缩级别" },
  levelHint: {
    en: "1 to 19. 3 is about a third faster and a tenth larger than 9.",
    de: "1 bis 19. 3 ist etwa ein Drittel schneller und ein Zehntel größer als 9.",
    zh: "1 至 19。与 9 相比，3 约快三分之一，体积大十分之一。",
  },
  excludes: {
    en: "Leave out, one pattern a line",
    de: "Auslassen, ein Muster je Zeile",
    zh: "排除的路径，每行一个模式",
  },
  excludesHint: {
    en: "Left out anyway: /proc, /sys, /dev, /run, /tmp, swap files, package caches.",
    de: "Ohnehin ausgelassen: /proc, /sys, /dev, /run, /tmp, Swap-Dateien, Paket-Caches.",
    zh: "默认排除：/proc、/sys、/dev、/run、/tmp、交换文件、软件包缓存。",
  },
  force: {
    en: "Capture it all the same: the version can then only be installed into directories",
    de: "Trotzdem aufnehmen: die Version lässt sich dann nur in Verzeichnisse installieren",
    zh: "仍然采集：该版本只能安装到目录中",
  },
  nodes: {
    en: { one: "{n} node with a running agent", other: "{n} nodes with a running agent" },
    de: { one: "{n} Knoten mit laufendem Agenten", other: "{n} Knoten mit laufendem Agenten" },
    zh: "{n} 个节点正在运行代理程序",
  },
  find: { en: "Find", de: "Suchen", zh: "查找" },
});
