// Times of one's own account in the viewer's zone.

import { nameZone, showTimes } from "./times.js";

showTimes(document);
nameZone();
