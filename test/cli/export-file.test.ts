/** A file that a command writes is whole once it has its name, and takes nobody's place. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { exportInto } from '#dist/cli/export-file.js'

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'kittiwake-export-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}

describe('an export', () => {
  it('has its name when it is whole, and no half is left where it fails', () => {
    const root = folder()
    const path = join(root, 'events')
    const broken = function* () {
      yield 'one'
      expect(existsSync(path)).toBe(false)
      throw Object.assign(new Error('no more'), { code: 'EIO' })
    }
    expect(() => exportInto(path, broken())).toThrow("the file can't be written (EIO)")
    expect(readdirSync(root)).toEqual([])
    expect(exportInto(path, ['one', 'two'])).toBe(2)
    expect(readFileSync(path, 'utf8')).toBe('one\ntwo\n')
    expect(readdirSync(root)).toEqual(['events'])
  })

  it('takes no name that came meanwhile', () => {
    const root = folder()
    const path = join(root, 'events')
    const slow = function* () {
      yield 'one'
      writeFileSync(path, 'of somebody else')
    }
    expect(() => exportInto(path, slow())).toThrow('there already')
    expect(readFileSync(path, 'utf8')).toBe('of somebody else')
    expect(readdirSync(root)).toEqual(['events'])
  })
})
