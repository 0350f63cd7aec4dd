// What the sanitizer costs beside reading and writing the same value as JSON.
import { createSanitizer } from '#dist/events/sanitize.js'
import { NO_IDENTITY } from '#dist/project/identity-literals.js'
import { inTurn, row, timed } from './measure.mjs'

const SIZES = [600, 20_000]
const WORDS = 'the package is reviewed, its tests are green and the branch waits for a merge '

export async function rows(isShort) {
  const { sanitize } = createSanitizer(NO_IDENTITY)
  const found = []
  for (const size of SIZES) {
    const value = valueOf(size)
    const text = JSON.stringify(value)
    const times = isShort ? 20 : Math.round(12_000_000 / size)
    const perRun = async (work) => ((await timed(() => repeat(times, work))) / times) * 1_000
    const measured = await inTurn(
      { rounds: isShort ? 1 : 7, warmUps: 2 },
      {
        base: () => perRun(() => JSON.stringify(JSON.parse(text))),
        ours: () => perRun(() => sanitize(value)),
      },
    )
    const [figure, beside] = [`sanitizer, ${size} bytes`, 'JSON.parse and JSON.stringify']
    found.push(row({ figure, beside, unit: 'µs', ...measured, most: 4 }))
  }
  return found
}

function repeat(times, work) {
  for (let at = 0; at < times; at += 1) work()
}

/** A payload of about so many bytes of JSON, as agents write them. */
function valueOf(size) {
  const notes = []
  while (JSON.stringify({ notes }).length < size) {
    const at = notes.length
    notes.push({ wp_id: `WP${at}`, entry_type: 'note', at, text: `${WORDS}${at}` })
  }
  return { notes }
}
