import { describe, expect, it } from 'vitest'
import { AppendedFile } from '#dist/workers/git/disk/appended-file.js'
import { fc, property } from '../../support/property.ts'

const linesOf = (text: string): string[] => text.split('\n').filter((line) => line !== '')

function reader(): { file: AppendedFile<string[]>; parsed: string[] } {
  const parsed: string[] = []
  const file = new AppendedFile<string[]>((text, before) => {
    parsed.push(text)
    return [...(before ?? []), ...linesOf(text)]
  })
  return { file, parsed }
}

describe('a file that is appended to', () => {
  it('is parsed where it is new, and not at all where nothing is', () => {
    const { file, parsed } = reader()
    for (const text of ['a\n', 'a\nb\n', 'a\nb\n', 'a\nb\nc\nd\n'])
      file.parse('x', Buffer.from(text))
    expect(parsed).toEqual(['a\n', 'b\n', 'c\nd\n'])
  })

  it('is parsed from its beginning where it is another one', () => {
    const { file, parsed } = reader()
    for (const text of ['a\nb\n', 'a\nc\n', 'a\n', '']) file.parse('x', Buffer.from(text))
    expect(parsed).toEqual(['a\nb\n', 'a\nc\n', 'a\n', ''])
  })

  const part = fc.constantFrom('a\n', 'b\n', 'b', '\n', 'c\r\n')
  const step = fc.tuple(
    fc.constantFrom('x', 'y'),
    fc.array(part).map((parts) => parts.join('')),
    fc.boolean(),
  )
  property([fc.array(step)])('is what its bytes say, whatever they were before', (steps) => {
    const { file } = reader()
    const present = new Map<string, string>()
    for (const [path, text, isAppended] of steps) {
      const whole = `${isAppended ? (present.get(path) ?? '') : ''}${text}`
      present.set(path, whole)
      expect(file.parse(path, Buffer.from(whole))).toEqual(linesOf(whole))
    }
  })
})
