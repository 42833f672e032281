import { FAULTS, type LogSource } from '../../src/diagnosis/faults.ts';
import { table, type Language } from './table.ts';

const SOURCES: Readonly<Record<LogSource, Readonly<Record<Language, string>>>> = {
  replica: {
    english: "Replicas: the container's log, and Kuscia's own log files in the container",
    chinese: '副本：容器日志，以及容器内 Kuscia 自身的日志文件',
  },
  engine: {
    english: "Docker Engine: the engine's log and the client's output",
    chinese: 'Docker Engine：引擎日志与客户端输出',
  },
  database: { english: 'Database', chinese: '数据库' },
  'load-balancer': { english: 'Load balancer', chinese: '负载均衡' },
};

const HEADS = { english: ['cause', 'what to do', 'telltale log line'], chinese: ['原因', '处理', '特征日志'] } as const;

/** Every known cause, by the source of the log. */
export function causeTables(language: Language): string {
  return (Object.keys(SOURCES) as LogSource[])
    .map((speaker) => {
      const rows = FAULTS.filter((fault) => fault.speaker === speaker).map(({ cause, remedy, chinese, line }) => {
        const [reason, todo] = language === 'english' ? [cause, remedy] : chinese;
        return [reason, todo, `\`${line.source.replaceAll('\\/', '/').replaceAll('|', '\\|')}\``];
      });
      return `### ${SOURCES[speaker][language]}\n\n${table(HEADS[language], rows)}`;
    })
    .join('\n\n');
}
