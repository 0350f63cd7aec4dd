/**
 * One `git cat-file --batch` that answers for many objects: a process for each would cost more than the whole command. It is
 * started at the first question, ends when nothing is asked any more, and with whoever started it, since its input ends then.
 */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { Socket } from 'node:net'
import { objectCommand } from './object-command.ts'
import type { RawObject } from './object-store.ts'

type Question = {
  readonly oid: string
  readonly resolve: (answer: RawObject | null) => void
  readonly reject: (error: Error) => void
}

const ANSWER_TIMEOUT_MS = 60_000
/** It holds packs open, which on some systems keeps git from collecting them. */
const IDLE_MS = 1_000
const HEADER_BYTES_MAX = 256
const OBJECT_BYTES_MAX = 1024 * 1024 * 1024
const HEADER = /^([0-9a-f]+) ([a-z]+) (\d+)$/
const MISSING = /^[0-9a-f]+ (?:missing|ambiguous)$/
const NEWLINE = 0x0a

export class CatFile {
  readonly #commonDir: string
  #child: ChildProcess | null = null
  #questions: Question[] = []
  #received = new Received()
  #timer: NodeJS.Timeout | undefined

  constructor(commonDir: string) {
    this.#commonDir = commonDir
  }

  /** The object, or null where git has none. Rejects where git ends or doesn't answer. @throws GitError GIT_MISSING. */
  async read(oid: string): Promise<RawObject | null> {
    const child = (this.#child ??= this.#start())
    return new Promise((resolve, reject) => {
      this.#questions.push({ oid, resolve, reject })
      this.#watch(child)
      child.stdin?.write(`${oid}\n`)
    })
  }

  #start(): ChildProcess {
    const { program, argv, cwd, env } = objectCommand(this.#commonDir, ['cat-file', '--batch'])
    const stdio: ['pipe', 'pipe', 'ignore'] = ['pipe', 'pipe', 'ignore']
    // Without a file to spare it has no ends.
    const child: ChildProcess = spawn(program, argv, { cwd, env, windowsHide: true, stdio })
    this.#received = new Received()
    child.unref()
    if (child.stdin instanceof Socket) child.stdin.unref()
    child.stdin?.on('error', () => undefined)
    child.stdout?.on('data', (chunk: Buffer) => this.#take(child, chunk))
    child.on('error', () => this.#abandon(child))
    child.on('close', () => this.#abandon(child))
    return child
  }

  #take(child: ChildProcess, chunk: Buffer): void {
    if (child !== this.#child) return
    this.#received.add(chunk)
    for (let answer = this.#received.next(); answer !== undefined; answer = this.#received.next()) {
      const question = this.#questions.shift()
      // A shorter id is a prefix to git, and stands for no object here.
      question?.resolve(answer?.oid === question.oid ? answer : null)
    }
    if (this.#received.isForeign) this.#abandon(child)
    else this.#watch(child)
  }

  /** While something is asked it keeps this process alive, and is given up when it stands still; else it is ended soon. */
  #watch(child: ChildProcess): void {
    clearTimeout(this.#timer)
    const isAsked = this.#questions.length > 0
    this.#timer = setTimeout(() => this.#abandon(child), isAsked ? ANSWER_TIMEOUT_MS : IDLE_MS)
    if (!isAsked) this.#timer.unref()
    if (!(child.stdout instanceof Socket)) return
    if (isAsked) child.stdout.ref()
    else child.stdout.unref()
  }

  #abandon(child: ChildProcess): void {
    if (child !== this.#child) return
    clearTimeout(this.#timer)
    this.#child = null
    child.kill('SIGKILL')
    const unanswered = this.#questions
    this.#questions = []
    for (const { reject } of unanswered) reject(new Error('git cat-file ended without an answer'))
  }
}

type Answer = RawObject & { readonly oid: string }
type Header = { readonly oid: string; readonly type: string; readonly size: number }

/** What git has said and nobody has taken yet. */
class Received {
  #chunks: Buffer[] = []
  #length = 0
  #header: Header | null = null
  /** Whether it said something that is no answer. */
  isForeign = false

  add(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#length += chunk.length
  }

  /** The next answer, once it is there as a whole; null where git has no such object. */
  next(): Answer | null | undefined {
    if (this.#header === null) {
      const line = this.#line()
      if (line === null) return undefined
      if (MISSING.test(line)) return null
      this.#header = headerOf(line)
      this.isForeign ||= this.#header === null
      if (this.#header === null) return undefined
    }
    const { oid, type, size } = this.#header
    if (this.#length <= size) return undefined
    const bytes = this.#cut(size + 1).subarray(0, size)
    this.#header = null
    return { oid, type, bytes }
  }

  #line(): string | null {
    const bytes = this.#whole()
    const end = bytes.indexOf(NEWLINE)
    this.isForeign ||= end === -1 && bytes.length > HEADER_BYTES_MAX
    return end === -1 ? null : this.#cut(end + 1).toString('latin1', 0, end)
  }

  #cut(length: number): Buffer {
    const bytes = this.#whole()
    this.#chunks = [bytes.subarray(length)]
    this.#length -= length
    return bytes.subarray(0, length)
  }

  #whole(): Buffer {
    const [only] = this.#chunks
    const bytes =
      only !== undefined && this.#chunks.length === 1 ? only : Buffer.concat(this.#chunks)
    this.#chunks = [bytes]
    return bytes
  }
}

function headerOf(line: string): Header | null {
  const [, oid = '', type = '', digits] = HEADER.exec(line) ?? []
  const size = Number(digits)
  return size <= OBJECT_BYTES_MAX ? { oid, type, size } : null
}
