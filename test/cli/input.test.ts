/** What the program reads and prints, as bytes: chunks, lines, pipes, marks, junk, and nothing that a terminal obeys. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { afterAll, describe, expect, it } from 'vitest'
import { readLines, readTextArgument } from '#dist/cli/input.js'
import { limitOption, portOption } from '#dist/cli/options.js'
import { columns, oneLine, printable, printJson, streamJson } from '#dist/cli/output.js'
import { fc, property } from '../support/property.ts'

const folder = mkdtempSync(join(tmpdir(), 'kittiwake-input-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const MIB = 1024 * 1024

describe('lines', () => {
  property([fc.array(fc.string({ unit: 'grapheme' })), fc.infiniteStream(fc.nat(7))])(
    'are the same however the bytes arrive',
    async (texts, sizes) => {
      const lines = texts.map((text) => text.replaceAll(/[\n\uFEFF]/g, ''))
      const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''))
      const read = await all(readLines('-', contextOf(Readable.from(cut(bytes, sizes)))))
      expect(read.map(({ text }) => text)).toEqual(lines)
      expect(read.map(({ line }) => line)).toEqual(lines.map((_, at) => at + 1))
      expect(read.every(({ error }) => error === null)).toBe(true)
    },
  )

  it('lose their byte order mark, and only at the very start', async () => {
    const read = await all(
      readLines('-', contextOf(Readable.from([Buffer.from('\uFEFFa\n\uFEFFb')]))),
    )
    expect(read.map(({ text }) => text)).toEqual(['a', '\uFEFFb'])
  })

  it('of other bytes than UTF-8 are refused one by one', async () => {
    const bytes = Buffer.from([0x61, 10, 0xff, 0xfe, 0, 10, 0xc3, 10, 0x62])
    const read = await all(readLines('-', contextOf(Readable.from([bytes]))))
    expect(read.map(({ error }) => error?.code)).toEqual([
      undefined,
      'NOT_UTF8',
      'NOT_UTF8',
      undefined,
    ])
  })

  it('of a hundred MiB are passed over, not kept (L8)', async () => {
    const chunk = Buffer.alloc(MIB, 'x')
    const giant = function* () {
      yield Buffer.from('a\n')
      for (let part = 0; part < 100; part += 1) yield chunk
      yield Buffer.from('\nb\n')
    }
    const before = process.memoryUsage()
    const read = await all(readLines('-', contextOf(Readable.from(giant()))))
    const after = process.memoryUsage()
    expect(read.map(({ text, error }) => error?.code ?? text)).toEqual(['a', 'LINE_TOO_LONG', 'b'])
    expect(after.arrayBuffers + after.heapUsed).toBeLessThan(
      before.arrayBuffers + before.heapUsed + 40 * MIB,
    )
  })

  it('end with the interruption, and what is cut short is not read', async () => {
    const stdin = new PassThrough()
    const interruption = new AbortController()
    const reading = all(readLines('-', contextOf(stdin, interruption.signal)))
    stdin.write('{"whole":1}\n{"torn')
    setImmediate(() => interruption.abort())
    expect((await reading).map(({ text }) => text)).not.toContain('{"torn')
  })
})

describe('an argument', () => {
  it('is the text, a file or standard input, without a byte order mark', async () => {
    writeFileSync(join(folder, 'file'), '\uFEFF{"a":1}')
    expect(await readTextArgument('{"b":2}', contextOf())).toBe('{"b":2}')
    expect(await readTextArgument('@file', contextOf())).toBe('{"a":1}')
    expect(await readTextArgument('-', contextOf(Readable.from(['{"c":3}'])))).toBe('{"c":3}')
  })

  it.each([
    ['@absent', 'INPUT_UNREADABLE'],
    ['@.', 'INPUT_UNREADABLE'],
    ['@/dev/null', 'INPUT_UNREADABLE'],
    ['@a\u0000b', 'INPUT_UNREADABLE'],
    ['@giant', 'LINE_TOO_LONG'],
    ['@binary', 'NOT_UTF8'],
  ])('%j is refused as %s', async (argument, code) => {
    writeFileSync(join(folder, 'giant'), Buffer.alloc(4 * MIB, 'x'))
    writeFileSync(join(folder, 'binary'), Buffer.from([0xff, 0xfe, 0, 1]))
    await expect(readTextArgument(argument, contextOf())).rejects.toMatchObject({ code })
  })

  it.skipIf(process.platform === 'win32')(
    'from a pipe is waited for, but not without a writer',
    async () => {
      const pipe = join(folder, 'pipe')
      execFileSync('mkfifo', [pipe])
      const refusal = expect(readTextArgument('@pipe', contextOf())).rejects
      await refusal.toMatchObject({
        code: 'INPUT_UNREADABLE',
        message: 'nobody writes into the pipe',
      })
      const reading = readTextArgument('@pipe', contextOf())
      // Opens once the reader is there.
      const writer = await open(pipe, 'w')
      await writer.write('{"a":')
      await writer.write('1}')
      await writer.close()
      expect(await reading).toBe('{"a":1}')
    },
  )

  it('is refused when interrupted', async () => {
    const interruption = new AbortController()
    const reading = readTextArgument('-', contextOf(new PassThrough(), interruption.signal))
    interruption.abort()
    await expect(reading).rejects.toMatchObject({ code: 'INTERRUPTED' })
  })
})

describe('numbers', () => {
  it.each(['', 'abc', '-1', '1.5', '1e3', '65536', ' 80', '0x50'])('%j is no port', (text) => {
    expect(() => portOption(text)).toThrow('--port is a whole number from 0 to 65535')
  })

  it.each(['0', '11', '-1', 'ten', ''])('%j is no limit of ten', (text) => {
    expect(() => limitOption('--limit', text, 10)).toThrow('--limit is a whole number from 1 to 10')
  })

  it('are taken as they are', () => {
    expect([portOption('0'), portOption('65535'), limitOption('--limit', '10', 10)]).toEqual([
      0, 65_535, 10,
    ])
  })
})

describe('what is printed', () => {
  const hostile =
    '\u001b[2J \u001b]0;title\u0007 \u009b31m \u0090q\u009c \u202e\u2066 \u200b \u2028 \u{e0041} \r\u0008 \u007f'

  it('obeys nobody: no escapes, no C1, nothing that reorders or hides (S07)', () => {
    expect(printable(hostile)).not.toMatch(CONTROL)
    expect(printable('naïve 日本 👩‍👩‍👧 \tx\ny')).toBe('naïve 日本 👩‍👩‍👧 \tx\ny')
  })

  it('stays on its line where it stands in one', () => {
    expect(oneLine('a\r\nb\nc\td')).toBe('a ⏎ b ⏎ c d')
    expect(
      columns([
        ['a\nb', hostile],
        ['c', 'd'],
      ]).split('\n'),
    ).toHaveLength(2)
  })

  property([fc.jsonValue()])(
    'as JSON is the same value, spelt without control characters',
    (value) => {
      const text = printed(value)
      expect(text).not.toMatch(CONTROL)
      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)))
    },
  )

  it('as JSON keeps every character', () => {
    expect(printed(hostile.replaceAll('\u{e0041}', ''))).not.toMatch(CONTROL)
    expect(JSON.parse(printed(hostile))).toBe(hostile)
  })

  it('waits for a slow reader (L8)', async () => {
    const slow = new PassThrough({ highWaterMark: 16 })
    let done = false
    const writing = streamJson(slow, 'x'.repeat(64)).then(() => (done = true))
    await new Promise((resolve) => setImmediate(resolve))
    expect(done).toBe(false)
    slow.resume()
    await writing
    expect(done).toBe(true)
  })
})

const CONTROL =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]/

function printed(value: unknown): string {
  const out = new PassThrough()
  printJson(out, value)
  return (out.read() as Buffer).toString('utf8').trimEnd()
}

function contextOf(stdin: Readable = new PassThrough(), signal = new AbortController().signal) {
  const sink = new PassThrough()
  const streams = { stdin, stdout: sink, stderr: sink }
  return { ...streams, cwd: folder, signal, env: {}, colorDepth: 1 }
}

async function all<Value>(values: AsyncIterable<Value>): Promise<Value[]> {
  const list: Value[] = []
  for await (const value of values) list.push(value)
  return list
}

function* cut(bytes: Buffer, sizes: Iterator<number>): Generator<Buffer> {
  for (let at = 0; at < bytes.length;) {
    const size = 1 + (sizes.next().value as number)
    yield bytes.subarray(at, at + size)
    at += size
  }
}
