// One dead letter: nothing moves, only its times are shown in the viewer's zone.

import { showTimes } from "./times.js";

showTimes(document);
