import Plotting

/// The report's style sheet: one column on a phone, two columns of figures on a desk, everything open in print.
enum PageStyle {
    static let sheet =
        PlotStyle.sheet + """
            :root{color-scheme:light dark;--page:#ffffff;--ink:#1b1b1b;--faint:#555;--line:#d5d5d5;--box:#f4f5f7;\
            --link:#0b5394;--pass:#00664a;--over:#7a5200;--leak:#a52a00;--open:#5b3f8c}
            @media (prefers-color-scheme:dark){:root{--page:#16181b;--ink:#ececec;--faint:#b0b0b0;--line:#3d3f44;\
            --box:#202327;--link:#8fc7ff;--pass:#53d6ae;--over:#f0b429;--leak:#ff9a66;--open:#c9b3f5}}
            *{box-sizing:border-box}
            html{-webkit-text-size-adjust:100%}
            body{margin:0 auto;padding:1rem;max-width:90rem;background:var(--page);color:var(--ink);\
            font:1rem/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;\
            overflow-wrap:break-word}
            h1{font-size:1.6rem;line-height:1.25;margin:.5rem 0}
            h2{font-size:1.3rem;margin:2.5rem 0 .5rem;padding-top:.5rem;border-top:1px solid var(--line)}
            h3{font-size:1.05rem;margin:1.5rem 0 .5rem}
            p,ul{max-width:46rem}
            a{color:var(--link)}
            .faint{color:var(--faint)}
            .verdict{border:2px solid currentColor;border-radius:.5rem;padding:.75rem 1rem;margin:1rem 0;\
            background:var(--box)}
            .verdict p{color:var(--ink);margin:.25rem 0}
            .verdict .word{font-size:1.3rem;font-weight:700;color:inherit}
            .pass{color:var(--pass)}.over-forgotten{color:var(--over)}.leak{color:var(--leak)}.notJudged{color:var(--faint)}\
            .incomplete{color:var(--open)}
            .figures4{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,10rem),1fr));gap:1rem;margin:1rem 0;\
            padding:0;list-style:none;max-width:none}
            .figures4 li{border:1px solid var(--line);border-radius:.5rem;padding:.75rem 1rem;background:var(--box)}
            .figures4 strong{display:block;font-size:1.7rem;line-height:1.2;font-variant-numeric:tabular-nums}
            .figures4 span{display:block;font-weight:600}
            .figures4 small{display:block;color:var(--faint)}
            .aside{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,24rem),1fr));gap:0 2.5rem}
            .aside h2{border:0;margin-top:1rem}
            .mark{font-weight:600;white-space:nowrap}
            nav ul{list-style:none;padding:0;margin:1rem 0;display:flex;flex-wrap:wrap;gap:.25rem 1rem}
            .figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,24rem),1fr));gap:1.5rem 2rem;\
            align-items:start;margin:1rem 0}
            figure{margin:0;max-width:40rem;min-width:0;break-inside:avoid}
            figcaption{font-weight:600;margin-bottom:.25rem}
            figcaption span{font-weight:400;color:var(--faint);display:block;font-size:.9rem}
            .scroll{overflow-x:auto;margin:.75rem 0}
            .scroll:focus-visible{outline:2px solid var(--link)}
            table{border-collapse:separate;border-spacing:0;font-variant-numeric:tabular-nums;font-size:.925rem}
            caption{text-align:left;font-weight:600;padding-bottom:.25rem;position:sticky;left:0;width:max-content;\
            max-width:calc(100vw - 2rem);white-space:normal}
            th,td{padding:.35rem .7rem;border-bottom:1px solid var(--line);text-align:right;vertical-align:top;\
            white-space:nowrap}
            th:first-child,td:first-child{text-align:left;padding-left:0;white-space:normal;min-width:8.5rem;\
            position:sticky;left:0;background:var(--page)}
            td.text,th.text{text-align:left}
            thead th{border-bottom:2px solid var(--faint)}
            td.notes{min-width:13rem;white-space:normal}
            td small,th small{display:block;color:var(--faint);font-weight:400}
            dl.facts{display:grid;grid-template-columns:fit-content(14rem) 1fr;gap:.25rem 1rem;margin:.75rem 0}
            dl.facts dt{color:var(--faint)}
            dl.facts dd{margin:0;min-width:0;overflow-wrap:anywhere}
            details{margin:.75rem 0;border:1px solid var(--line);border-radius:.5rem;padding:.5rem .75rem}
            summary{cursor:pointer;font-weight:600}
            pre{overflow-x:auto;background:var(--box);padding:.75rem;border-radius:.5rem;font-size:.8rem;line-height:1.4}
            code{overflow-wrap:anywhere}
            @media (max-width:30rem){dl.facts{grid-template-columns:1fr;gap:0}dl.facts dd{margin-bottom:.5rem}}
            @media screen and (max-width:48rem){
            table,tbody,tr,th[scope=row],td,caption{display:block;width:auto;max-width:none;min-width:0}
            thead{position:absolute;clip-path:inset(50%);height:1px;width:1px;overflow:hidden}
            tbody tr{border-bottom:1px solid var(--line);padding:.5rem 0}
            th[scope=row],td,td.notes{border:0;padding:.15rem 0;text-align:left;white-space:normal;position:static}
            td{display:grid;grid-template-columns:7.5rem 1fr;gap:0 .75rem}
            td::before{content:attr(data-label);color:var(--faint);grid-row:span 3}
            td small{grid-column:2}
            td:empty{display:none}
            }
            @media print{
            :root{color-scheme:light;--page:#fff;--ink:#000;--faint:#444;--line:#bbb;--box:#fff;--link:#000;--pass:#00523b;\
            --over:#5c3d00;--leak:#8a2300;--open:#46306e}
            body{max-width:none;padding:0;font-size:10pt}
            nav{display:none}
            h2,h3,h2+p,figcaption,caption,summary{break-after:avoid}
            details{border:0;padding:0}
            dl.facts{grid-template-columns:fit-content(10rem) 1fr}
            dl.facts dd{break-inside:avoid}
            .figures{grid-template-columns:1fr 1fr}
            .scroll{overflow:visible}
            table{font-size:8pt}
            th,td{padding:.2rem .35rem;white-space:normal}
            td small,th small{font-size:7pt}
            @page{margin:15mm}
            p,li{break-inside:avoid}
            tr,.verdict,.figures4 li,.aside>div{break-inside:avoid}
            .aside,.figures4{grid-template-columns:1fr 1fr}
            details::details-content{content-visibility:visible;block-size:auto;opacity:1}
            pre{white-space:pre-wrap;overflow-wrap:anywhere;font-size:6.5pt}
            }

            """
}
