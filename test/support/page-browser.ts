/** The inspector's page in a real browser, which writes down what it was asked for and what went wrong. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BrowserContext, chromium, type Page } from 'playwright-core'
import { CHROMIUM_FLAGS, findChromium } from '../../scripts/chromium.mjs'

const PROGRAM = findChromium()
const FIND_WITHIN_MS = 30_000

/** Why the page can't be tested here; null where it can. With REQUIRE_SHARED=1 it has to. */
export function noBrowser(): string | null {
  if (PROGRAM !== null) return null
  const reason = 'there is no Chromium here; CHROMIUM may name one'
  if (process.env['REQUIRE_SHARED'] === '1') throw new Error(reason)
  console.log(`skipped: ${reason}`)
  return reason
}

export class PageBrowser {
  /** Addresses of all requests, sockets among them. */
  readonly requests: string[] = []
  readonly faults: string[] = []
  readonly #folder: string
  readonly #browser: BrowserContext

  static async launch(): Promise<PageBrowser> {
    const folder = mkdtempSync(join(tmpdir(), 'kittiwake-browser-'))
    const browser = await chromium.launchPersistentContext(folder, {
      executablePath: PROGRAM ?? '',
      args: [...CHROMIUM_FLAGS],
      viewport: { width: 1440, height: 900 },
    })
    return new PageBrowser(folder, browser)
  }

  private constructor(folder: string, browser: BrowserContext) {
    this.#folder = folder
    this.#browser = browser
    browser.setDefaultTimeout(FIND_WITHIN_MS)
    browser.on('request', (request) => this.requests.push(request.url()))
    browser.on('page', (page) => this.#watch(page))
    browser.on('weberror', (error) => this.faults.push(String(error.error())))
  }

  async open(url: string, prepare?: (page: Page) => Promise<void>): Promise<Page> {
    const page = await this.#browser.newPage()
    await prepare?.(page)
    await page.goto(url)
    return page
  }

  /** Closes every page; the browser stays for the next test. */
  async clear(): Promise<void> {
    await Promise.all(this.#browser.pages().map((page) => page.close()))
    this.requests.length = 0
    this.faults.length = 0
  }

  async close(): Promise<void> {
    await this.#browser.close()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #watch(page: Page): void {
    page.on('websocket', (socket) => this.requests.push(socket.url()))
    page.on('dialog', (dialog) => {
      this.faults.push(`a dialog: ${dialog.message()}`)
      void dialog.dismiss()
    })
    page.on('console', (message) => {
      // That a server went away is said by the browser itself.
      const isOurs = message.type() === 'error' && !message.text().includes('WebSocket connection')
      if (isOurs) this.faults.push(message.text())
    })
  }
}

export type { Page }
