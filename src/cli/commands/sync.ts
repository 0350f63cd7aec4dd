import { Option } from 'clipanion'
import { counted } from '../../contracts/values/counted.ts'
import { EXIT } from '../../errors.ts'
import type { DrainReport, UndeliveredReason } from '../../drain-report.ts'
import type { ProjectView } from '../../view.ts'
import { backgroundRows, type BackgroundView, readBackground } from '../background-view.ts'
import type { Safety } from '../../project/upgrade/gate.ts'
import { KittiwakeCommand, type Result } from '../command.ts'
import { limitOption } from '../options.ts'
import { columns } from '../output.ts'

const TIMEOUT_MAX_S = 3_600

export class SyncOptInCommand extends KittiwakeCommand {
  static override paths = [['sync', 'opt-in']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Sync',
    description: "Consent that this project's events leave this machine",
    details:
      'Works offline and without login. The first consent covers what was recorded since `init`.',
    examples: [
      ['Consent', 'kittiwake sync opt-in'],
      ['Only what comes from now on', 'kittiwake sync opt-in --from-now'],
    ],
  })

  fromNow = Option.Boolean('--from-now', false, { description: 'Leave what was recorded before' })

  async run(): Promise<Result> {
    const change = await this.withRuntime((runtime) =>
      runtime.sync.optIn({ fromNow: this.fromNow }),
    )
    return {
      fields: { consent: change.state, covered: change.covered, held: change.held },
      text: `Consent recorded; ${counted(change.covered, 'event recorded before is', 'events recorded before are')} covered, ${counted(change.held, 'stays', 'stay')} here.`,
    }
  }
}

export class SyncOptOutCommand extends KittiwakeCommand {
  static override paths = [['sync', 'opt-out']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Sync',
    description: 'Withdraw consent: from now on nothing of this project leaves this machine',
    examples: [['Withdraw', 'kittiwake sync opt-out']],
  })

  protected override readonly healsDeferred = false
  protected override readonly nudges = false

  // What withdraws is never held up.
  override get safety(): Safety {
    return 'safe'
  }

  async run(): Promise<Result> {
    const change = await this.withRuntime((runtime) => runtime.sync.optOut())
    return {
      fields: { consent: change.state, held: change.held },
      text: `Consent withdrawn; ${counted(change.held, 'undelivered event stays', 'undelivered events stay')} here.`,
    }
  }
}

export class SyncStatusCommand extends KittiwakeCommand {
  static override paths = [['sync', 'status']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Sync',
    description:
      'Show what waits, why, what the background process does, and what to do; reads only, asks no network',
    details: `With \`--check\` the exit code is ${EXIT.undelivered} where something stays undelivered, or the counts contradict what is sent next.`,
    examples: [['Status', 'kittiwake sync status']],
  })

  check = Option.Boolean('--check', false, { description: 'Tell by the exit code' })

  override get safety(): Safety {
    return 'safe'
  }

  async run(): Promise<Result> {
    const { readView } = await import('../view.ts')
    const view = await readView(this.context.cwd)
    const background = await readBackground()
    const reason =
      background.state === 'unresponsive' ? 'background_unresponsive' : whyUndelivered(view)
    return {
      fields: { ...view, reason, advice: adviceOf(reason), background },
      text: statusText(view, reason, background),
      exit: this.check && reason !== null ? EXIT.undelivered : EXIT.ok,
    }
  }
}

export class SyncNowCommand extends KittiwakeCommand {
  static override paths = [['sync', 'now']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Sync',
    description: 'Deliver once what waits, bounded in time',
    details: `Exit code ${EXIT.undelivered} says that something stays undelivered, with the reason.`,
    examples: [['Deliver', 'kittiwake sync now']],
  })

  protected override readonly nudges = false

  timeout = Option.String('--timeout', '30', {
    description: `From 1 to ${TIMEOUT_MAX_S}; default 30`,
  })

  async run(): Promise<Result> {
    const timeoutMs = limitOption('--timeout', this.timeout, TIMEOUT_MAX_S) * 1_000
    const { signal } = this.context
    const { askForLink } = await import('../../background/nudge.ts')
    await askForLink(this.context.cwd)
    this.progress('delivering …')
    const report = await this.withRuntime((runtime) => runtime.sync.now({ timeoutMs, signal }))
    const { delivered, pending, commits_acked, reason } = report
    const exit =
      reason === null
        ? EXIT.ok
        : reason === 'not_authenticated'
          ? EXIT.notAuthenticated
          : EXIT.undelivered
    return {
      fields: { delivered, pending, commits_acked, reason },
      text: reportText(report),
      exit,
    }
  }
}

/** Without an event, what stays are commits. */
function reportText({ delivered, pending, commits_acked, reason }: DrainReport): string {
  const done = `Delivered ${counted(delivered, 'event')} and ${counted(commits_acked, 'commit')}`
  if (reason === null) return `${done}; nothing stays.`
  const what = pending === 0 ? 'commits stay' : counted(pending, 'event stays', 'events stay')
  return `${done}; ${what} (${reason}).\n${ADVICE_BY_REASON[reason]}`
}

function whyUndelivered(view: ProjectView): string | null {
  const waiting = view.events.pending + view.events.inflight + view.commits.pending.length
  if (view.faults.length > 0) return 'identity_unusable'
  if (view.project === null) return view.unidentified === 0 ? null : 'no_identity'
  if (!view.coherent) return 'incoherent'
  if (view.commits.deferred.length > 0) return 'commit_deferred'
  if (view.events.quarantined > 0) return 'rejected'
  if (view.events.held > 0) return view.consent === 'granted' ? 'held' : 'no_consent'
  if (waiting === 0) return null
  if (view.consent !== 'granted') return 'no_consent'
  if (view.login === null) return 'not_authenticated'
  if (view.link_live) return 'delivering'
  return view.connection === null ? 'link_down' : 'reconnecting'
}

function adviceOf(reason: string | null): string | null {
  return reason === null ? null : (ADVICE_BY_REASON[reason] ?? null)
}

const ADVICE_BY_REASON: Readonly<Record<UndeliveredReason, string> & Record<string, string>> = {
  hub_unreachable: 'Check the network and that the hub is up; what waits is tried again.',
  hub_refused: 'See what `kittiwake auth doctor` says.',
  ledger_unavailable: 'Make `.git` writable for this user, and see `kittiwake doctor`.',
  timeout: 'Run it again, or give it more time with `--timeout`.',
  identity_unusable: 'Mend .kittify/config.yaml; nothing is overwritten meanwhile.',
  no_identity: 'Run `kittiwake init`.',
  no_consent: 'Run `kittiwake sync opt-in`.',
  not_authenticated: 'Run `kittiwake auth login --hub URL --token-file FILE`.',
  background_unresponsive:
    'End the process `kittiwake sync run --all` that is stuck or was paused; nothing is lost.',
  link_down: 'Run `kittiwake sync start`; once is enough, or `kittiwake sync now`.',
  delivering: 'Nothing to do: the link is live.',
  reconnecting:
    'Nothing to do: the link is tried again by itself; `kittiwake sync now` tries at once.',
  incoherent: 'Run `kittiwake doctor`, and report what it says.',
  commit_deferred: 'Mend what the reason names; the next writing command tries again.',
  rejected:
    'See `kittiwake queue list --state quarantined`, then `kittiwake queue retry` or `kittiwake queue purge`.',
  held: 'These were recorded without consent and stay here; `kittiwake sync import-history` shows them.',
}

function linkText({ link_live: isLive, connection }: ProjectView): string {
  if (isLive) return 'live'
  if (connection === null) return 'down'
  const { state, reason, next_try_at: at } = connection
  const why = reason === null ? '' : ` (${reason})`
  return `${state}${why}${at === null ? '' : `, tried again at ${at}`}`
}

function statusText(view: ProjectView, reason: string | null, background: BackgroundView): string {
  const { events, commits } = view
  const rows: string[][] = [
    ['project', view.project === null ? 'none' : `${view.project.slug} (${view.project.uuid})`],
    ['consent', view.consent],
    ['login', view.login === null ? 'none' : `${view.login.hub} (team ${view.login.team_slug})`],
    ['link', linkText(view)],
    ['last taken', view.last_ack_at ?? 'none'],
    ...backgroundRows(background, view.project?.uuid ?? null),
    [
      'events',
      `${events.pending} pending, ${events.inflight} in flight, ${events.held} held, ` +
        `${events.quarantined} quarantined, ${events.delivered} delivered`,
    ],
    ['commits', `${commits.pending.length} pending, ${commits.deferred.length} deferred`],
    ...[...view.faults, ...view.login_faults].map((fault) => ['fault', fault]),
    ...commits.deferred.map((one) => ['deferred', `${one.mission}: ${one.reason}, ${one.message}`]),
  ]
  for (const [why, count] of Object.entries(view.reasons)) rows.push(['refused', `${count} ${why}`])
  if (view.nearly_full)
    rows.push(['outbox', 'more than 80 % full; nothing is dropped to make room'])
  if (view.unidentified === null)
    rows.push(['without identity', 'unreadable; see `kittiwake doctor`'])
  else if (view.unidentified > 0) {
    rows.push(['without identity', counted(view.unidentified, 'event waits', 'events wait')])
  }
  const advice = reason === null ? '' : `\n${reason}: ${adviceOf(reason) ?? ''}`
  return `${columns(rows)}${advice}`
}
