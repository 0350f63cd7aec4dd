import { mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { replaceFile } from '#dist/project/files/replace-file.js'
import { isInside, isSafeSegment, leavesRoot } from '#dist/project/files/safe-path.js'
import { codeOf, makeFolder, write } from './sandbox.ts'

const root = makeFolder()
const target = { root, folders: ['a', 'b'], name: 'file' }
const content = { text: 'new', mode: 0o600 }

test('a file is replaced as a whole, its folders are made, and nothing stays beside it', () => {
  expect(replaceFile(target, { ...content, text: 'old' })).toBe(true)
  expect(replaceFile(target, content)).toBe(true)
  expect(readFileSync(join(root, 'a/b/file'), 'utf8')).toBe('new')
  expect(readdirSync(join(root, 'a/b'))).toEqual(['file'])
})

test('a file that changed meanwhile is not replaced', () => {
  const path = join(root, 'a/b/file')
  const stillWanted = (): boolean => {
    write(path, 'saved by an editor')
    return false
  }
  expect(replaceFile(target, { ...content, stillWanted })).toBe(false)
  expect(readFileSync(path, 'utf8')).toBe('saved by an editor')
  expect(readdirSync(join(root, 'a/b'))).toEqual(['file'])
})

test('no link on the way is followed (S02)', async () => {
  mkdirSync(join(root, 'outside'))
  mkdirSync(join(root, 'project'))
  symlinkSync('../outside', join(root, 'project/link'))
  const replace = async (folders: string[], name: string) =>
    replaceFile({ root: join(root, 'project'), folders, name }, content)
  expect(await codeOf(replace(['link'], 'file'))).toBe('PATH_REFUSED')
  expect(await codeOf(replace(['link', 'deeper'], 'file'))).toBe('PATH_REFUSED')
  expect(await codeOf(replace([], 'link'))).toBe('PATH_REFUSED')
  expect(readdirSync(join(root, 'outside'))).toEqual([])
  expect(leavesRoot(join(root, 'project'), ['link', 'file'])).toBe(true)
  expect(leavesRoot(join(root, 'project'), ['absent', 'file'])).toBe(false)
})

test('folder names are judged as strings, the same on every system', () => {
  for (const name of ['a', 'A-b_c', '042-x', 'with space', 'a.b'])
    expect(isSafeSegment(name)).toBe(true)
  for (const name of [
    '',
    '.',
    '..',
    '.git',
    'a/b',
    'a\\b',
    'a..b',
    ' a',
    'a ',
    'é',
    'a\0',
    'a\n',
    'x'.repeat(256),
  ]) {
    expect(isSafeSegment(name), name).toBe(false)
  }
  expect(isInside('/a/b', '/a/b')).toBe(true)
  expect(isInside('/a/b', '/a/b/..c')).toBe(true)
  expect(isInside('/a/b', '/a/bc')).toBe(false)
  expect(isInside('/a/b', '/a')).toBe(false)
})
