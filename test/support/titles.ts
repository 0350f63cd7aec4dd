/** The titles of tests, for the documents that name them. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** How a document names a test: its file and its title. */
export const HELD = /^`(test\/[\w./-]+\.test\.ts)`: (.+)$/

/** The first word of whatever is called with a function behind it, however the test is made; neither groups nor what is skipped. */
export function titlesIn(file: string): readonly string[] {
  const title =
    /(?<!describe[.\w]*|\.skip|\.todo)\(\s*(['"])((?:\\.|(?!\1).)+)\1,\s*(?:async\s*)?(?:\(|\w+ =>)/g
  return [...readFileSync(join(ROOT, file), 'utf8').matchAll(title)].map(([, , text = '']) =>
    text.replaceAll(/\\(.)/g, '$1'),
  )
}

const ROOT = join(import.meta.dirname, '../..')
