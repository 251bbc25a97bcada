import { nameZone, showTimes } from "../console/times.js";

nameZone();
showTimes(document);
setInterval(() => showTimes(document), 1000);
