/** Traces: what is recorded can be opened, what can't be is said, and other forms say the same. */
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { createMachine } from 'xstate'
import { stampNow } from '#dist/inspect/feed-message.js'
import { FEED_MESSAGE, type FeedMessage } from '#dist/inspect/protocol.js'
import { StatelyForm } from '#dist/inspect/stately.js'
import { TextForm } from '#dist/inspect/text-form.js'
import { openTrace } from '#dist/inspect/trace-file.js'
import { TraceWriter } from '#dist/inspect/trace-writer.js'

const SAMPLE = join(import.meta.dirname, '../fixtures/inspect/sample.ndjson')
const sample = readFileSync(SAMPLE, 'utf8')
const folder = mkdtempSync(join(tmpdir(), 'kittiwake-trace-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let count = 0
function file(text: string): string {
  count += 1
  const path = join(folder, `${count}.ndjson`)
  writeFileSync(path, text)
  return path
}

function messagesOf(path: string): FeedMessage[] {
  const { feed } = openTrace(path)
  const lines: FeedMessage[] = []
  for (let place = feed.start; place < feed.end; place += 1)
    lines.push(JSON.parse(feed.at(place)?.line ?? '') as FeedMessage)
  return lines
}

describe('the sample, which the recorder has made of a real run,', () => {
  it('holds to the protocol in every line, and tells of every kind', () => {
    const messages = messagesOf(SAMPLE)
    for (const message of messages) expect(FEED_MESSAGE.parse(message)).toEqual(message)
    const types = new Set(messages.map(({ type }) => type))
    for (const type of [
      'kittiwake.machine',
      '@xstate.actor',
      '@xstate.event',
      '@xstate.microstep',
      '@xstate.action',
      '@xstate.snapshot',
      'kittiwake.message',
      'kittiwake.fate',
      'kittiwake.figures',
    ]) {
      expect(types).toContain(type)
    }
    const { header, feed } = openTrace(SAMPLE)
    expect(header).toMatchObject({ protocol: 1, reason: 'record', session: feed.session })
    expect(sample).not.toMatch(/\/home\/|\/tmp\/|@example/)
  })

  it('reads well as text: what changed, what took how long, what became of events', () => {
    const form = new TextForm()
    const lines = messagesOf(SAMPLE).flatMap((message) => form.line(message) ?? [])
    const text = lines.join('\n')
    for (const words of [
      /connection +socket\.opened: reaching\.connecting ► connected/,
      /store +store\.appended in [\d.]+ ms/,
      /event +[0-9A-Z]{26} stored \(HistoryAdded\)/,
      /event +[0-9A-Z]{26} committed \([0-9a-f]{12}\)/,
      /store +CRASHED: SAMPLE/,
      /socket +reports socket\.snapshot/,
      /connection .*► backingOff/,
      /supervisor +(?:done|stopped)/,
    ]) {
      expect(text).toMatch(words)
    }
    expect(lines.every((line) => /^\d\d:\d\d:\d\d\.\d{3} {2}\S/.test(line))).toBe(true)
    const more = [
      {
        type: 'kittiwake.sampled',
        seq: 1,
        ...stampNow(),
        reason: 'rate',
        leftOut: 7,
        byType: {},
        fromMono: 0,
        toMono: 1,
      },
      { type: 'kittiwake.ended', seq: 2, ...stampNow(), createdAt: 'never', reason: 'gone' },
      {
        type: '@xstate.actor',
        seq: 3,
        ...stampNow(),
        sessionId: 'x:1',
        rootId: 'x:1',
        parentId: null,
        name: 'store',
        kind: 'machine',
        machine: null,
        snapshot: { status: 'active', value: { running: 'ready' } },
      },
    ] as const
    expect(more.map((message) => form.line(message))).toEqual([
      expect.stringContaining('7 messages left out (rate)'),
      expect.stringMatching(/^--:--.*ended \(gone\)$/),
      expect.stringMatching(/store +is there: running\.ready$/),
    ])
  })

  it('has a form for tools that read the messages of Stately, with machines that XState takes', () => {
    const form = new StatelyForm()
    const shown: Record<string, unknown>[] = messagesOf(SAMPLE).flatMap((message) => {
      const one = form.form(message)
      return one === null ? [] : [{ ...one }]
    })
    expect(new Set(shown.map(({ type }) => type))).toEqual(
      new Set(['@xstate.actor', '@xstate.event', '@xstate.snapshot']),
    )
    for (const message of shown) {
      expect(message).toMatchObject({
        sessionId: expect.any(String),
        rootId: expect.any(String),
        createdAt: expect.stringMatching(/^\d+$/),
        id: null,
        _version: expect.any(String),
      })
    }
    const actors = shown.filter(
      ({ type, definition }) => type === '@xstate.actor' && definition !== undefined,
    )
    expect(actors.length).toBeGreaterThan(5)
    for (const { definition, snapshot } of actors) {
      const machine = createMachine(JSON.parse(String(definition)))
      const { value } = snapshot as { value: string }
      expect(machine.resolveState({ value, context: {} }).value).toEqual(value)
    }
  })
})

describe('a trace', () => {
  it('of 50,000 events opens at once', () => {
    const [header = '', ...lines] = sample.trimEnd().split('\n')
    const events = lines.filter(
      (line) => line.includes('"type":"@xstate.') && !line.includes('"@xstate.actor"'),
    )
    const many = [header]
    for (let at = 0; at < 50_000; at += 1)
      many.push((events[at % events.length] ?? '').replace(/"seq":\d+/, `"seq":${at + 1}`))
    const path = file(many.join('\n'))
    const started = performance.now()
    expect(openTrace(path).feed.lastSeq).toBe(50_000)
    // On a machine that does something else, too; alone it is a quarter of a second.
    expect(performance.now() - started).toBeLessThan(5_000)
  })

  it('that was cut short, or is of a later version, is read as far as it is understood', () => {
    const lines = sample.split('\n').slice(0, 50)
    expect(messagesOf(file(lines.join('\n').slice(0, -10)))).toHaveLength(48)
    const later = '{"seq":1,"type":"kittiwake.later","what":[]}'
    expect(messagesOf(file([lines[0], later, ...lines.slice(1)].join('\n')))).toHaveLength(49)
  })

  const header = sample.slice(0, sample.indexOf('\n'))
  const second = sample.split('\n')[1] ?? ''
  it.each<[string, string, string]>([
    ['of nothing', '', 'TRACE_INVALID'],
    ['of something else', '{"a":1}\n', 'TRACE_INVALID'],
    ['of bytes', '\u0000\ufffd\n\n', 'TRACE_INVALID'],
    ['with a line in the middle that is none', `${header}\nhello\n${second}\n`, 'TRACE_INVALID'],
    ['with a number', `${header}\n7\n${second}\n`, 'TRACE_INVALID'],
    [
      'with a message without its parts',
      `${header}\n{"seq":1,"type":"@xstate.event"}\n${second}\n`,
      'TRACE_INVALID',
    ],
    ['out of order', `${header}\n${second}\n${second}\n`, 'TRACE_INVALID'],
    [
      'with a machine that is none',
      `${header}\n${second.replace('"initial"', '"first"')}\n{}\n`,
      'TRACE_INVALID',
    ],
    [
      'with nesting without end',
      `${header}\n${second.replace(/"root":.*/, `"root":${'{"states":['.repeat(50_000)}${']}'.repeat(50_000)}}`)}\n{}\n`,
      'TRACE_INVALID',
    ],
    ['of a newer version', `${header.replace('"protocol":1', '"protocol":99')}\n`, 'TRACE_NEWER'],
    [
      'with a line that is too long',
      `${header}\n"${'x'.repeat(5 * 1024 * 1024)}"\n`,
      'TRACE_INVALID',
    ],
  ])('%s is refused with a code', (_, text, code) => {
    expect(() => openTrace(file(text))).toThrow(
      expect.objectContaining({ code, hint: expect.any(String) }),
    )
  })

  it('that is not there, or no file, is refused', () => {
    expect(() => openTrace(join(folder, 'nowhere'))).toThrow(
      expect.objectContaining({ code: 'TRACE_ABSENT' }),
    )
    expect(() => openTrace(folder)).toThrow(expect.objectContaining({ code: 'TRACE_UNREADABLE' }))
  })
})

describe('a recording', () => {
  it('is a new file for its owner alone, whole once it is closed', async () => {
    const path = join(folder, 'new.ndjson')
    const writer = await TraceWriter.create(path)
    for (let at = 0; at < 1_000; at += 1)
      writer.tell({ type: 'kittiwake.fate', ...stampNow(), eventId: `${at}`, stage: 'stored' })
    await writer.close()
    expect(writer.failure).toBeNull()
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(messagesOf(path).map(({ seq }) => seq)).toEqual(
      Array.from({ length: 1_000 }, (_, at) => at + 1),
    )
    await expect(TraceWriter.create(path)).rejects.toMatchObject({ code: 'TRACE_EXISTS' })
    await expect(TraceWriter.create(join(folder, 'no', 'folder'))).rejects.toMatchObject({
      code: 'TRACE_UNWRITABLE',
    })
  })

  it.skipIf(!existsSync('/dev/full'))('that the disk does not take says why', async () => {
    const path = '/dev/full'
    // Opened by hand: a new file can't be made there.
    const { open } = await import('node:fs/promises')
    const writer = new TraceWriter((await open(path, 'w')).createWriteStream())
    await writer.close()
    expect(writer.failure).toBe('ENOSPC')
    writer.tell({ type: 'kittiwake.fate', ...stampNow(), eventId: 'x', stage: 'stored' })
  })
})
