/** The table of the threats names tests that are there and carry its numbers; what it says of them is for people to judge. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { HELD, titlesIn } from './support/titles.ts'

const COUNT = 27
const ROW = /^\| *(S\d+) *\| *(.+?) *\| *(.+?) *\| *(.+?) *\|$/

const rows = readFileSync(join(import.meta.dirname, '../docs/threats.md'), 'utf8')
  .split('\n')
  .flatMap((line) => {
    const [, number, threat = '', , held = ''] = ROW.exec(line) ?? []
    return number === undefined ? [] : [{ number, threat, held }]
  })

describe('the threats', () => {
  it('are all there, each once, in their order', () => {
    const all = Array.from({ length: COUNT }, (_, at) => `S${String(at + 1).padStart(2, '0')}`)
    expect(rows.map(({ number }) => number)).toEqual(all)
  })

  it.each(rows)('$number: $threat', ({ number, held }) => {
    for (const one of held.split('<br>')) {
      const [, file = '', title = ''] = HELD.exec(one) ?? []
      expect(file, one).not.toBe('')
      expect(titlesIn(file), one).toContain(title)
      expect(title).toMatch(new RegExp(`\\(.*\\b${number}\\b.*\\)$`))
    }
  })
})
