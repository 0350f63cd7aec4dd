/** The table of the lessons names tests that are there; what it says of them is for people to judge. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { HELD, titlesIn } from './support/titles.ts'

const ROOT = join(import.meta.dirname, '..')
const COUNT = 77
const ROW = /^\| *(\d+) *\| *(.+?) *\| *(.+?) *\|$/
const NOT_HERE = /^does not apply: .{20,}$/

const rows = read('docs/lessons.md')
  .split('\n')
  .flatMap((line) => {
    const [, number, lesson = '', held = ''] = ROW.exec(line) ?? []
    return number === undefined ? [] : [{ number: Number(number), lesson, held }]
  })

describe('the lessons', () => {
  it('are all there, each once, in their order', () => {
    expect(rows.map(({ number }) => number)).toEqual(
      Array.from({ length: COUNT }, (_, index) => index + 1),
    )
  })

  it.each(rows)('$number: $lesson', ({ held }) => {
    if (NOT_HERE.test(held)) return
    for (const one of held.split('<br>')) {
      const [, file = '', title = ''] = HELD.exec(one) ?? []
      expect(file, one).not.toBe('')
      expect(titlesIn(file), one).toContain(title)
    }
  })

  it('that do not apply are named in ARCHITECTURE.md', () => {
    const named = /^- \*\*Lessons? ([\d, and]+) .*\*\*/gm
    const told = [...read('ARCHITECTURE.md').matchAll(named)].flatMap(([, numbers = '']) =>
      [...numbers.matchAll(/\d+/g)].map(([number]) => Number(number)),
    )
    const absent = rows.filter(({ held }) => NOT_HERE.test(held)).map(({ number }) => number)
    expect(absent.length).toBeGreaterThan(0)
    expect(told.sort((one, other) => one - other)).toEqual(absent)
  })
})

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8')
}
