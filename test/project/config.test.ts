import { mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { withProjectFields } from '#dist/project/config/config-edit.js'
import { parseConfig, readConfig, readSharedConfig } from '#dist/project/config/config.js'
import { readIdentityBlock } from '#dist/project/config/identity-block.js'
import {
  readAutoStart,
  readCommitAuthor,
  readProtectedBranches,
} from '#dist/project/config/settings.js'
import { fc, property } from '../support/property.ts'
import { makeFolder, write } from './sandbox.ts'

const folder = makeFolder()
const UUID = '0b6ab8a4-3e05-4b0c-8f6e-8a4a6e3c1d2f'

const parsed = (text: string) => parseConfig(Buffer.from(text), 0o644)
const faultsOf = (bytes: string | Uint8Array): string[] => {
  const reading = parseConfig(Buffer.from(bytes), 0o644)
  return reading.state === 'unusable' ? reading.faults.map(({ code }) => code) : []
}

const UNUSABLE: readonly (readonly [string, string | Uint8Array, string])[] = [
  ['a scalar', 'hello', 'NOT_A_MAPPING'],
  ['a list', '- a\n', 'NOT_A_MAPPING'],
  ['an open bracket', 'a: [', 'SYNTAX'],
  ['a tab as indent', '\ta: b\n', 'SYNTAX'],
  ['two documents', 'a: 1\n---\nb: 2\n', 'MULTIPLE_DOCUMENTS'],
  ['a key twice', 'a: 1\nb: 2\na: 3\n', 'DUPLICATE_KEY'],
  ['a key twice in a list', 'a:\n  - {b: 1, b: 2}\n', 'DUPLICATE_KEY'],
  ['conflict markers', '<<<<<<< HEAD\na: 1\n=======\na: 2\n>>>>>>> side\n', 'CONFLICT_MARKERS'],
  ['conflict markers with CRLF', 'x: 1\r\n<<<<<<<\r\na: 1\r\n', 'CONFLICT_MARKERS'],
  ['Latin-1', Uint8Array.of(0x61, 0x3a, 0x20, 0xe4, 0x0a), 'NOT_UTF8'],
  ['brackets without end', '['.repeat(100_000), 'SYNTAX'],
  ['quotes without end', '"'.repeat(100_001), 'SYNTAX'],
]
test.each(UNUSABLE)('a configuration with %s is unusable, with a typed fault', (_, bytes, code) => {
  expect(faultsOf(bytes)[0]).toBe(code)
})

test('hostile width is read in linear time (S04)', () => {
  const keys = Array.from({ length: 30_000 }, (_, i) => `k${i}:`).join('\n')
  const start = performance.now()
  expect(parsed(keys).state).toBe('present')
  // Comparing every key with every other takes tens of seconds.
  expect(performance.now() - start).toBeLessThan(5_000)
})

test('aliases are never expanded (S04)', () => {
  const bomb = Array.from({ length: 30 }, (_, i) => `a${i + 1}: &b${i + 1} [*b${i}, *b${i}]`)
  const reading = parsed(['a0: &b0 [x]', ...bomb, 'sync: *b30', 'project: *b30'].join('\n'))
  expect(reading.state).toBe('present')
  expect(readAutoStart(reading)).toBe(true)
  expect(readIdentityBlock(reading).state).toBe('unusable')
})

test('a reading that is shared is that of the bytes that are there', () => {
  const root = join(folder, 'shared')
  const path = join(root, '.kittify/config.yaml')
  write(path, 'sync: { auto_start: false }\n')
  const first = readSharedConfig(root)
  expect(readSharedConfig(root)).toBe(first)
  expect(readAutoStart(first)).toBe(false)
  write(path, 'sync: { auto_start: true }\n')
  expect(readAutoStart(readSharedConfig(root))).toBe(true)
  rmSync(path)
  expect(readSharedConfig(root)).toEqual({ state: 'absent' })
})

test('absent, too large, a folder, behind a link that leads out: each is told apart', () => {
  expect(readConfig(folder)).toEqual({ state: 'absent' })
  const code = (root: string): string => {
    const reading = readConfig(root)
    return reading.state === 'unusable' ? (reading.faults[0]?.code ?? '') : reading.state
  }
  const config = (name: string) => join(folder, name, '.kittify/config.yaml')
  write(config('large'), '#'.repeat(256 * 1024 + 1))
  write(config('full'), `#${' '.repeat(256 * 1024 - 2)}\n`)
  mkdirSync(config('folder'), { recursive: true })
  write(join(folder, 'secret.yaml'), 'a: 1\n')
  mkdirSync(join(folder, 'out/.kittify'), { recursive: true })
  symlinkSync('../../secret.yaml', config('out'))
  mkdirSync(join(folder, 'out2'))
  symlinkSync('../large/.kittify', join(folder, 'out2/.kittify'))
  write(join(folder, 'inside/real/config.yaml'), 'a: 1\n')
  symlinkSync('real', join(folder, 'inside/.kittify'))
  expect(code(join(folder, 'large'))).toBe('TOO_LARGE')
  expect(code(join(folder, 'full'))).toBe('present')
  expect(code(join(folder, 'folder'))).toBe('NOT_A_FILE')
  expect(code(join(folder, 'out'))).toBe('LEAVES_REPOSITORY')
  expect(code(join(folder, 'out2'))).toBe('LEAVES_REPOSITORY')
  expect(code(join(folder, 'inside'))).toBe('present')
})

test('settings take their defaults from everything but the real thing', () => {
  expect(readAutoStart(parsed('sync: {auto_start: false}'))).toBe(false)
  for (const text of [
    '',
    'sync:\n',
    'sync: 3',
    'sync: {auto_start: "false"}',
    'sync: {auto_start: no}',
    'sync: {auto_start: 0}',
    '[',
  ]) {
    expect(readAutoStart(parsed(text)), text).toBe(true)
  }
  expect(readCommitAuthor(parsed('commit: {author: git}'))).toBe('git')
  for (const text of ['', 'commit: git', 'commit: {author: Git}', 'commit: {author: [git]}', '[']) {
    expect(readCommitAuthor(parsed(text)), text).toBe('bookkeeping')
  }
})

test('a list of protected branches that can not be read is no list', () => {
  const list = (text: string) => readProtectedBranches(parsed(text))
  expect(list('protection: {protected_branches: [main, 2.0, "release/*"]}')).toEqual([
    'main',
    '2.0',
    'release/*',
  ])
  expect(list('protection: {protected_branches: []}')).toEqual([])
  for (const text of [
    '',
    'protection:\n',
    'protection: 3',
    'protection: {protected_branches: ~}',
  ]) {
    expect(list(text), text).toBeNull()
  }
  for (const text of [
    '[',
    'protection: {protected_branches: main}',
    'protection: {protected_branches: [[a]]}',
    'protection: {protected_branches: {a: b}}',
    // What others read there, and we don't.
    'x: &x {protected_branches: [a]}\nprotection: *x',
    'x: &x {protected_branches: [a]}\nprotection: {<<: *x}',
    'x: &x {protection: {protected_branches: [a]}}\n<<: *x',
  ]) {
    expect(list(text), text).toBe('unusable')
  }
  expect(readProtectedBranches({ state: 'absent' })).toBeNull()
})

const FIELDS = { uuid: UUID, slug: 'app', node_id: '123456789012', build_id: UUID }
const LINES = [`uuid: ${UUID}`, 'slug: app', 'node_id: "123456789012"', `build_id: ${UUID}`]
const BLOCK = ['project:', ...LINES.map((line) => `  ${line}`), ''].join('\n')

const edited = (text: string): string | null => {
  const config = parsed(text)
  return config.state === 'present' ? withProjectFields(config, FIELDS) : null
}

test('the block goes to the end, and every byte before it stays', () => {
  for (const text of [
    '',
    '# only a comment\n',
    '# a\nsync: {a:   1} # b\n\n\n# tail\n',
    'b: 2\na: 1\n',
    '\uFEFFa: 1\n',
    'a: &x 1\nb: *x\n',
    '---\na: |\n  text\n',
  ]) {
    expect(edited(text)).toBe(`${text}${BLOCK}`)
  }
  expect(edited('a: 1\r\n# x\r\n')).toBe(`a: 1\r\n# x\r\n${BLOCK.replaceAll('\n', '\r\n')}`)
  expect(edited('a: 1')).toBe(`a: 1\n${BLOCK.trimEnd()}`)
})

test('a block that is there keeps its unknown keys, its comments and its place', () => {
  const text = '# top\nproject: # mine\n    owner: ann # who\n    # last\nsync:\n  a: 1\n'
  const lines = BLOCK.split('\n')
    .slice(1, -1)
    .map((line) => `  ${line}\n`)
    .join('')
  expect(edited(text)).toBe(text.replace('    # last', `${lines}    # last`))
})

test('other shapes are written anew, with comments, order and values kept', () => {
  for (const text of [
    'project: {owner: ann}\n# c\nz: 1\na: 2\n',
    'project: # c\nz: 1\na: 2\n',
    '  z: 1\n  a: 2 # c\n',
    '# c\nz: 1\na: 2\n...\n',
    'project:\n  slug:\n  owner: ann # c\nz: 1\na: 2\n',
    '{z: 1, a: 2} # c\n',
  ]) {
    const after = edited(text) ?? ''
    expect(after, text).toContain('# c')
    expect(after.indexOf('z:'), text).toBeLessThan(after.indexOf('a: 2'))
    const block = readIdentityBlock(parsed(after))
    expect(block, text).toMatchObject({ state: 'read', block: { ...FIELDS, slug: 'app' } })
    if (text.includes('owner')) expect(after).toContain('owner: ann')
  }
})

test.each(['no', 'on', '1_000', '12:30', '2026-01-01'])(
  'a slug %s is a text to readers of either YAML, wherever it is written',
  (slug) => {
    for (const text of ['', 'project: {owner: ann}\n', 'project:\n  slug: # c\n  b: off\n']) {
      const config = parsed(text)
      const after = config.state === 'present' ? withProjectFields(config, { slug }) : null
      expect(parse(after ?? '', { version: '1.1' }), text).toMatchObject({ project: { slug } })
      // What others wrote keeps its spelling.
      if (text.includes('off')) expect(after).toMatch(/# c\n {2}b: off\n/)
    }
  },
)

const yamlish = fc.array(
  fc.constantFrom(
    'project:',
    'uuid: ',
    UUID,
    '\n',
    '\n  ',
    '- ',
    '{',
    '}',
    '[',
    ']',
    ': ',
    '# c',
    '&a ',
    '*a',
    '"',
    "'",
    '|',
    '<<: ',
    '? ',
    '---\n',
    '...\n',
    '!!str ',
    '\uFEFF',
    '\r\n',
    '\t',
    'sync',
    'é',
    '\0',
    '%YAML 1.2\n',
    '__proto__: ',
  ),
  { maxLength: 25 },
)
property([yamlish], { numRuns: 500 })('every reader is total over YAML debris (S04)', (pieces) => {
  const reading = parsed(pieces.join(''))
  const block = readIdentityBlock(reading)
  expect(['read', 'unusable']).toContain(block.state)
  expect(typeof readAutoStart(reading)).toBe('boolean')
  readCommitAuthor(reading)
  readProtectedBranches(reading)
  if (reading.state !== 'present' || block.state !== 'read') return
  const after = withProjectFields(reading, { node_id: '0123456789ab' })
  // Either nothing is written, or what is written holds the field.
  if (after !== null) {
    const again = readIdentityBlock(parsed(after))
    expect(again).toMatchObject({ state: 'read', block: { node_id: '0123456789ab' } })
  }
})

property([fc.uint8Array({ maxLength: 200 })])(
  'reading leaves the bytes of a file alone',
  (bytes) => {
    const path = write(join(folder, 'fuzz/.kittify/config.yaml'), bytes)
    readIdentityBlock(readConfig(join(folder, 'fuzz')))
    expect(Uint8Array.from(readFileSync(path))).toEqual(bytes)
  },
)
