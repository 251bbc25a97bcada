// Times of one's own account in the viewer's zone.

import { showTimes } from "./times.js";

showTimes(document);
