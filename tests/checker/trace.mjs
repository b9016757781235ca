// SPDX-License-Identifier: MIT
// What happened in one seed, in order, and what of it was wrong. A violation is printed with the
// lines of what it names, of that client's sessions, and with all faults: rarely more is needed.

const LINES_SHOWN = 60;
const VIOLATIONS_SHOWN = 5;

export class Trace {
  constructor(seed) {
    this.seed = seed;
    this.from = Date.now();
    this.lines = [];
    this.violations = [];
  }

  /** `who`: a client's name or "fault". `about`: the id of the channel or server it concerns. */
  note(who, text, about) {
    this.lines.push({ at: Date.now() - this.from, who, text, about });
  }

  violate(who, text, about) {
    this.note(who, `VIOLATION ${text}`, about);
    this.violations.push({ who, text, about, at: this.lines.length, ids: text.match(/\d{15,}/g) ?? [] });
  }

  concerns(line, violation) {
    if (line.who === 'fault') return true;
    if (violation.ids.length > 0 && violation.ids.some((id) => line.text.includes(id))) return true;
    if (line.who !== violation.who) return false;
    return line.about === undefined || line.about === violation.about;
  }

  print() {
    for (const violation of this.violations.slice(0, VIOLATIONS_SHOWN)) {
      console.log(`\nseed ${this.seed}: ${violation.who}: ${violation.text}`);
      this.lines
        .slice(0, violation.at)
        .filter((line) => this.concerns(line, violation))
        .slice(-LINES_SHOWN)
        .forEach((line) => console.log(`  ${String(line.at).padStart(6)} ms  ${line.who.padEnd(8)} ${line.text}`));
    }
    const more = this.violations.length - VIOLATIONS_SHOWN;
    if (more > 0) console.log(`\nseed ${this.seed}: and ${more} more violations`);
    console.log(`\nreplay: make check-faults SEEDS=1 START=${this.seed}`);
  }
}
