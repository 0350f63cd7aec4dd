// Loaded into a process of the program by `--import`: its wall clock stands `CHAOS_CLOCK_MS` beside the machine's.
const shiftMs = Number(process.env.CHAOS_CLOCK_MS ?? 0)
const RealDate = Date

if (Number.isFinite(shiftMs) && shiftMs !== 0) {
  globalThis.Date = class extends RealDate {
    constructor(...given) {
      if (given.length === 0) super(RealDate.now() + shiftMs)
      else super(...given)
    }

    static now() {
      return RealDate.now() + shiftMs
    }
  }
}
