// Generated from templates/summary.md.hbs by scripts/templates.mjs.
// @ts-nocheck: what Handlebars makes of it has no types.

/** templates/summary.md.hbs, compiled. */
export const SUMMARY_TEMPLATE = {"0":function(container,depth0,helpers,partials,data) {
    var stack1, lookupProperty = container.lookupProperty || function(parent, propertyName) {
        if (Object.prototype.hasOwnProperty.call(parent, propertyName)) {
          return parent[propertyName];
        }
        return undefined
    };

  return ((stack1 = lookupProperty(helpers,"md").call(depth0 != null ? depth0 : (container.nullContext || {}),depth0,{"name":"md","hash":{},"data":data,"loc":{"start":{"line":4,"column":0},"end":{"line":4,"column":11}}})) != null ? stack1 : "")
    + "\n\n";
},"1":function(container,depth0,helpers,partials,data) {
    var stack1, lookupProperty = container.lookupProperty || function(parent, propertyName) {
        if (Object.prototype.hasOwnProperty.call(parent, propertyName)) {
          return parent[propertyName];
        }
        return undefined
    };

  return "### What is wrong and what to do\n\n"
    + ((stack1 = lookupProperty(helpers,"each").call(depth0 != null ? depth0 : (container.nullContext || {}),lookupProperty(depth0,"failures"),{"name":"each","hash":{},"fn":container.program(2, data, 0),"inverse":container.noop,"data":data,"loc":{"start":{"line":10,"column":0},"end":{"line":23,"column":9}}})) != null ? stack1 : "");
},"2":function(container,depth0,helpers,partials,data) {
    var stack1, alias1=depth0 != null ? depth0 : (container.nullContext || {}), lookupProperty = container.lookupProperty || function(parent, propertyName) {
        if (Object.prototype.hasOwnProperty.call(parent, propertyName)) {
          return parent[propertyName];
        }
        return undefined
    };

  return "**"
    + ((stack1 = lookupProperty(helpers,"if").call(alias1,lookupProperty(depth0,"help"),{"name":"if","hash":{},"fn":container.program(3, data, 0),"inverse":container.program(4, data, 0),"data":data,"loc":{"start":{"line":11,"column":2},"end":{"line":11,"column":67}}})) != null ? stack1 : "")
    + " "
    + ((stack1 = lookupProperty(helpers,"md").call(alias1,lookupProperty(depth0,"code"),{"name":"md","hash":{},"data":data,"loc":{"start":{"line":11,"column":68},"end":{"line":11,"column":79}}})) != null ? stack1 : "")
    + "**: "
    + ((stack1 = lookupProperty(helpers,"md").call(alias1,lookupProperty(depth0,"what"),{"name":"md","hash":{},"data":data,"loc":{"start":{"line":11,"column":83},"end":{"line":11,"column":94}}})) != null ? stack1 : "")
    + "\n"
    + ((stack1 = lookupProperty(helpers,"if").call(alias1,lookupProperty(depth0,"evidence"),{"name":"if","hash":{},"fn":container.program(5, data, 0),"inverse":container.noop,"data":data,"loc":{"start":{"line":12,"column":0},"end":{"line":14,"column":7}}})) != null ? stack1 : "")
    + ((stack1 = lookupProperty(helpers,"each").call(alias1,lookupProperty(depth0,"findings"),{"name":"each","hash":{},"fn":container.program(6, data, 0),"inverse":container.noop,"data":data,"loc":{"start":{"line":15,"column":0},"end":{"line":17,"column":9}}})) != null ? stack1 : "")
    + ((stack1 = lookupProperty(helpers,"if").call(alias1,lookupProperty(depth0,"cause"),{"name":"if","hash":{},"fn":container.program(8, data, 0),"inverse":container.noop,"data":data,"loc":{"start":{"line":18,"column":0},"end":{"line":20,"column":7}}})) != null ? stack1 : "")
    + "- **do: "
    + ((stack1 = lookupProperty(helpers,"md").call(alias1,lookupProperty(depth0,"remedy"),{"name":"md","hash":{},"data":data,"loc":{"start":{"line":21,"column":8},"end":{"line":21,"column":21}}})) != null ? stack1 : "")
    + "**\n\n";
},"3":function(container,depth0,helpers,partials,data) {
    var stack1, lookupProperty = container.lookupProperty || function(parent, propertyName) {
        if (Object.prototype.hasOwnProperty.call(parent, propertyName)) {
          return parent[propertyName];
        }
        return undefined
    };

  return "["
    + ((stack1 = lookupProperty(helpers,"md").call(depth0 != null ? depth0 : (container.nullContext || {}),lookupProperty(depth0,"number"),{"name":"md","hash":{},"data":data,"loc":{"start":{"line":11,"column":15},"end":{"line":11,"column":28}}})) != null ? stack1 : "")
    + "]("
    + ((stack1 = container.lambda(container.strict(depth0, "help", {"start":{"line":11,"column":32},"end":{"line":11,"column":36}} ), depth0)) != null ? stack1 : "")
    + ")";
},"4":function(container,depth0,helpers,partials,data) {
    var stack1, lookupProperty = container.lookupProperty || function(parent, propertyName) {
        if (Object.prototype.hasOwnProperty.call(parent, propertyName)) {
          return parent[propertyName];
        }
        return undefined
    };

  return ((stack1 = lookupProperty(helpers,"md").call(depth0 != null ? depth0 : (container.nullContext || {}),lookupProperty(depth0,"number"),{"name":"md","hash":{},"data":data,"loc":{"start":{"line":11,"column":47},"end":{"line":11,"column":60}}})) != null ? stack1 : "");
},"5":function(container,depth0,helpers,partials,data) {
    var stack1, lookupProperty = container.lookupProperty || function(parent, propertyName) {
        if (Object.prototype.hasOwnProperty.call(parent, propertyName)) {
          return parent[propertyName];
        }
        return undefined
    };

  return "- evidence: "
    + ((stack1 = lookupProperty(helpers,"md").call(depth0 != null ? depth0 : (container.nullContext || {}),lookupProperty(depth0,"evidence"),{"name":"md","hash":{},"data":data,"loc":{"start":{"line":13,"column":12},"end":{"line":13,"column":27}}})) != null ? stack1 : "")
    + "\n";
},"6":function(container,depth0,helpers,partials,data) {
    var stack1, alias1=depth0 != null ? depth0 : (container.nullContext || {}), lookupProperty = container.lookupProperty || function(parent, propertyName) {
        if (Object.prototype.hasOwnProperty.call(parent, propertyName)) {
          return parent[propertyName];
        }
        return undefined
    };

  return "- "
    + ((stack1 = lookupProperty(helpers,"if").call(alias1,lookupProperty(depth0,"host"),{"name":"if","hash":{},"fn":container.program(7, data, 0),"inverse":container.noop,"data":data,"loc":{"start":{"line":16,"column":2},"end":{"line":16,"column":34}}})) != null ? stack1 : "")
    + ((stack1 = lookupProperty(helpers,"md").call(alias1,lookupProperty(depth0,"text"),{"name":"md","hash":{},"data":data,"loc":{"start":{"line":16,"column":34},"end":{"line":16,"column":45}}})) != null ? stack1 : "")
    + "\n";
},"7":function(container,depth0,helpers,partials,data) {
    var stack1, lookupProperty = container.lookupProperty || function(parent, propertyName) {
        if (Object.prototype.hasOwnProperty.call(parent, propertyName)) {
          return parent[propertyName];
        }
        return undefined
    };

  return ((stack1 = lookupProperty(helpers,"md").call(depth0 != null ? depth0 : (container.nullContext || {}),lookupProperty(depth0,"host"),{"name":"md","hash":{},"data":data,"loc":{"start":{"line":16,"column":14},"end":{"line":16,"column":25}}})) != null ? stack1 : "")
    + ": ";
},"8":function(container,depth0,helpers,partials,data) {
    var stack1, lookupProperty = container.lookupProperty || function(parent, propertyName) {
        if (Object.prototype.hasOwnProperty.call(parent, propertyName)) {
          return parent[propertyName];
        }
        return undefined
    };

  return "- cause: "
    + ((stack1 = lookupProperty(helpers,"md").call(depth0 != null ? depth0 : (container.nullContext || {}),lookupProperty(depth0,"cause"),{"name":"md","hash":{},"data":data,"loc":{"start":{"line":19,"column":9},"end":{"line":19,"column":21}}})) != null ? stack1 : "")
    + "\n";
},"9":function(container,depth0,helpers,partials,data) {
    var stack1, lookupProperty = container.lookupProperty || function(parent, propertyName) {
        if (Object.prototype.hasOwnProperty.call(parent, propertyName)) {
          return parent[propertyName];
        }
        return undefined
    };

  return ((stack1 = container.lambda(container.strict(lookupProperty(depth0,"left"), "failures", {"start":{"line":26,"column":2},"end":{"line":26,"column":15}} ), depth0)) != null ? stack1 : "")
    + " more failures are in the log.\n\n";
},"10":function(container,depth0,helpers,partials,data) {
    var stack1, alias1=depth0 != null ? depth0 : (container.nullContext || {}), lookupProperty = container.lookupProperty || function(parent, propertyName) {
        if (Object.prototype.hasOwnProperty.call(parent, propertyName)) {
          return parent[propertyName];
        }
        return undefined
    };

  return "### Replicas\n\n| replica |"
    + ((stack1 = lookupProperty(helpers,"each").call(alias1,lookupProperty(depth0,"checks"),{"name":"each","hash":{},"fn":container.program(11, data, 0),"inverse":container.noop,"data":data,"loc":{"start":{"line":32,"column":11},"end":{"line":32,"column":50}}})) != null ? stack1 : "")
    + "\n| --- |"
    + ((stack1 = lookupProperty(helpers,"each").call(alias1,lookupProperty(depth0,"checks"),{"name":"each","hash":{},"fn":container.program(12, data, 0),"inverse":container.noop,"data":data,"loc":{"start":{"line":33,"column":7},"end":{"line":33,"column":38}}})) != null ? stack1 : "")
    + "\n"
    + ((stack1 = lookupProperty(helpers,"each").call(alias1,lookupProperty(depth0,"rows"),{"name":"each","hash":{},"fn":container.program(13, data, 0),"inverse":container.noop,"data":data,"loc":{"start":{"line":34,"column":0},"end":{"line":36,"column":9}}})) != null ? stack1 : "")
    + "\n"
    + ((stack1 = lookupProperty(helpers,"if").call(alias1,lookupProperty(depth0,"legend"),{"name":"if","hash":{},"fn":container.program(17, data, 0),"inverse":container.noop,"data":data,"loc":{"start":{"line":38,"column":0},"end":{"line":41,"column":7}}})) != null ? stack1 : "");
},"11":function(container,depth0,helpers,partials,data) {
    var stack1, lookupProperty = container.lookupProperty || function(parent, propertyName) {
        if (Object.prototype.hasOwnProperty.call(parent, propertyName)) {
          return parent[propertyName];
        }
        return undefined
    };

  return " "
    + ((stack1 = lookupProperty(helpers,"md").call(depth0 != null ? depth0 : (container.nullContext || {}),depth0,{"name":"md","hash":{},"data":data,"loc":{"start":{"line":32,"column":28},"end":{"line":32,"column":39}}})) != null ? stack1 : "")
    + " |";
},"12":function(container,depth0,helpers,partials,data) {
    return " --- |";
},"13":function(container,depth0,helpers,partials,data) {
    var stack1, alias1=depth0 != null ? depth0 : (container.nullContext || {}), lookupProperty = container.lookupProperty || function(parent, propertyName) {
        if (Object.prototype.hasOwnProperty.call(parent, propertyName)) {
          return parent[propertyName];
        }
        return undefined
    };

  return "| "
    + ((stack1 = lookupProperty(helpers,"md").call(alias1,lookupProperty(depth0,"replica"),{"name":"md","hash":{},"data":data,"loc":{"start":{"line":35,"column":2},"end":{"line":35,"column":16}}})) != null ? stack1 : "")
    + " |"
    + ((stack1 = lookupProperty(helpers,"each").call(alias1,lookupProperty(depth0,"cells"),{"name":"each","hash":{},"fn":container.program(14, data, 0),"inverse":container.noop,"data":data,"loc":{"start":{"line":35,"column":18},"end":{"line":35,"column":98}}})) != null ? stack1 : "")
    + "\n";
},"14":function(container,depth0,helpers,partials,data) {
    var stack1, lookupProperty = container.lookupProperty || function(parent, propertyName) {
        if (Object.prototype.hasOwnProperty.call(parent, propertyName)) {
          return parent[propertyName];
        }
        return undefined
    };

  return " "
    + ((stack1 = lookupProperty(helpers,"if").call(depth0 != null ? depth0 : (container.nullContext || {}),lookupProperty(depth0,"ok"),{"name":"if","hash":{},"fn":container.program(15, data, 0),"inverse":container.program(16, data, 0),"data":data,"loc":{"start":{"line":35,"column":34},"end":{"line":35,"column":87}}})) != null ? stack1 : "")
    + " |";
},"15":function(container,depth0,helpers,partials,data) {
    var stack1, lookupProperty = container.lookupProperty || function(parent, propertyName) {
        if (Object.prototype.hasOwnProperty.call(parent, propertyName)) {
          return parent[propertyName];
        }
        return undefined
    };

  return ((stack1 = lookupProperty(helpers,"md").call(depth0 != null ? depth0 : (container.nullContext || {}),lookupProperty(depth0,"text"),{"name":"md","hash":{},"data":data,"loc":{"start":{"line":35,"column":44},"end":{"line":35,"column":55}}})) != null ? stack1 : "");
},"16":function(container,depth0,helpers,partials,data) {
    var stack1, lookupProperty = container.lookupProperty || function(parent, propertyName) {
        if (Object.prototype.hasOwnProperty.call(parent, propertyName)) {
          return parent[propertyName];
        }
        return undefined
    };

  return "**"
    + ((stack1 = lookupProperty(helpers,"md").call(depth0 != null ? depth0 : (container.nullContext || {}),lookupProperty(depth0,"marked"),{"name":"md","hash":{},"data":data,"loc":{"start":{"line":35,"column":65},"end":{"line":35,"column":78}}})) != null ? stack1 : "")
    + "**";
},"17":function(container,depth0,helpers,partials,data) {
    var stack1, lookupProperty = container.lookupProperty || function(parent, propertyName) {
        if (Object.prototype.hasOwnProperty.call(parent, propertyName)) {
          return parent[propertyName];
        }
        return undefined
    };

  return ((stack1 = lookupProperty(helpers,"md").call(depth0 != null ? depth0 : (container.nullContext || {}),lookupProperty(depth0,"legend"),{"name":"md","hash":{},"data":data,"loc":{"start":{"line":39,"column":0},"end":{"line":39,"column":13}}})) != null ? stack1 : "")
    + "\n\n";
},"18":function(container,depth0,helpers,partials,data) {
    var stack1, lookupProperty = container.lookupProperty || function(parent, propertyName) {
        if (Object.prototype.hasOwnProperty.call(parent, propertyName)) {
          return parent[propertyName];
        }
        return undefined
    };

  return "### Warnings\n\n"
    + ((stack1 = lookupProperty(helpers,"each").call(depth0 != null ? depth0 : (container.nullContext || {}),lookupProperty(depth0,"warnings"),{"name":"each","hash":{},"fn":container.program(19, data, 0),"inverse":container.noop,"data":data,"loc":{"start":{"line":46,"column":0},"end":{"line":51,"column":9}}})) != null ? stack1 : "")
    + "\n";
},"19":function(container,depth0,helpers,partials,data) {
    var stack1, alias1=depth0 != null ? depth0 : (container.nullContext || {}), lookupProperty = container.lookupProperty || function(parent, propertyName) {
        if (Object.prototype.hasOwnProperty.call(parent, propertyName)) {
          return parent[propertyName];
        }
        return undefined
    };

  return "- "
    + ((stack1 = lookupProperty(helpers,"md").call(alias1,lookupProperty(depth0,"number"),{"name":"md","hash":{},"data":data,"loc":{"start":{"line":47,"column":2},"end":{"line":47,"column":15}}})) != null ? stack1 : "")
    + " "
    + ((stack1 = lookupProperty(helpers,"md").call(alias1,lookupProperty(depth0,"code"),{"name":"md","hash":{},"data":data,"loc":{"start":{"line":47,"column":16},"end":{"line":47,"column":27}}})) != null ? stack1 : "")
    + ": "
    + ((stack1 = lookupProperty(helpers,"md").call(alias1,lookupProperty(depth0,"what"),{"name":"md","hash":{},"data":data,"loc":{"start":{"line":47,"column":29},"end":{"line":47,"column":40}}})) != null ? stack1 : "")
    + ((stack1 = lookupProperty(helpers,"if").call(alias1,lookupProperty(depth0,"evidence"),{"name":"if","hash":{},"fn":container.program(20, data, 0),"inverse":container.noop,"data":data,"loc":{"start":{"line":47,"column":40},"end":{"line":47,"column":81}}})) != null ? stack1 : "")
    + ". "
    + ((stack1 = lookupProperty(helpers,"md").call(alias1,lookupProperty(depth0,"remedy"),{"name":"md","hash":{},"data":data,"loc":{"start":{"line":47,"column":83},"end":{"line":47,"column":96}}})) != null ? stack1 : "")
    + "\n"
    + ((stack1 = lookupProperty(helpers,"each").call(alias1,lookupProperty(depth0,"findings"),{"name":"each","hash":{},"fn":container.program(21, data, 0),"inverse":container.noop,"data":data,"loc":{"start":{"line":48,"column":0},"end":{"line":50,"column":9}}})) != null ? stack1 : "");
},"20":function(container,depth0,helpers,partials,data) {
    var stack1, lookupProperty = container.lookupProperty || function(parent, propertyName) {
        if (Object.prototype.hasOwnProperty.call(parent, propertyName)) {
          return parent[propertyName];
        }
        return undefined
    };

  return " ("
    + ((stack1 = lookupProperty(helpers,"md").call(depth0 != null ? depth0 : (container.nullContext || {}),lookupProperty(depth0,"evidence"),{"name":"md","hash":{},"data":data,"loc":{"start":{"line":47,"column":58},"end":{"line":47,"column":73}}})) != null ? stack1 : "")
    + ")";
},"21":function(container,depth0,helpers,partials,data) {
    var stack1, alias1=depth0 != null ? depth0 : (container.nullContext || {}), lookupProperty = container.lookupProperty || function(parent, propertyName) {
        if (Object.prototype.hasOwnProperty.call(parent, propertyName)) {
          return parent[propertyName];
        }
        return undefined
    };

  return "  - "
    + ((stack1 = lookupProperty(helpers,"if").call(alias1,lookupProperty(depth0,"host"),{"name":"if","hash":{},"fn":container.program(7, data, 0),"inverse":container.noop,"data":data,"loc":{"start":{"line":49,"column":4},"end":{"line":49,"column":36}}})) != null ? stack1 : "")
    + ((stack1 = lookupProperty(helpers,"md").call(alias1,lookupProperty(depth0,"text"),{"name":"md","hash":{},"data":data,"loc":{"start":{"line":49,"column":36},"end":{"line":49,"column":47}}})) != null ? stack1 : "")
    + "\n";
},"22":function(container,depth0,helpers,partials,data) {
    var stack1, alias1=depth0 != null ? depth0 : (container.nullContext || {}), lookupProperty = container.lookupProperty || function(parent, propertyName) {
        if (Object.prototype.hasOwnProperty.call(parent, propertyName)) {
          return parent[propertyName];
        }
        return undefined
    };

  return "### "
    + ((stack1 = lookupProperty(helpers,"md").call(alias1,lookupProperty(depth0,"changesTitle"),{"name":"md","hash":{},"data":data,"loc":{"start":{"line":55,"column":4},"end":{"line":55,"column":23}}})) != null ? stack1 : "")
    + "\n\n| stage | host | change | why |\n| --- | --- | --- | --- |\n"
    + ((stack1 = lookupProperty(helpers,"each").call(alias1,lookupProperty(depth0,"changes"),{"name":"each","hash":{},"fn":container.program(23, data, 0),"inverse":container.noop,"data":data,"loc":{"start":{"line":59,"column":0},"end":{"line":61,"column":9}}})) != null ? stack1 : "")
    + "\n";
},"23":function(container,depth0,helpers,partials,data) {
    var stack1, alias1=depth0 != null ? depth0 : (container.nullContext || {}), lookupProperty = container.lookupProperty || function(parent, propertyName) {
        if (Object.prototype.hasOwnProperty.call(parent, propertyName)) {
          return parent[propertyName];
        }
        return undefined
    };

  return "| "
    + ((stack1 = lookupProperty(helpers,"md").call(alias1,lookupProperty(depth0,"stage"),{"name":"md","hash":{},"data":data,"loc":{"start":{"line":60,"column":2},"end":{"line":60,"column":14}}})) != null ? stack1 : "")
    + " | "
    + ((stack1 = lookupProperty(helpers,"md").call(alias1,lookupProperty(depth0,"host"),{"name":"md","hash":{},"data":data,"loc":{"start":{"line":60,"column":17},"end":{"line":60,"column":28}}})) != null ? stack1 : "")
    + " | "
    + ((stack1 = lookupProperty(helpers,"md").call(alias1,lookupProperty(depth0,"sign"),{"name":"md","hash":{},"data":data,"loc":{"start":{"line":60,"column":31},"end":{"line":60,"column":42}}})) != null ? stack1 : "")
    + " "
    + ((stack1 = lookupProperty(helpers,"md").call(alias1,lookupProperty(depth0,"what"),{"name":"md","hash":{},"data":data,"loc":{"start":{"line":60,"column":43},"end":{"line":60,"column":54}}})) != null ? stack1 : "")
    + " | "
    + ((stack1 = lookupProperty(helpers,"md").call(alias1,lookupProperty(depth0,"why"),{"name":"md","hash":{},"data":data,"loc":{"start":{"line":60,"column":57},"end":{"line":60,"column":67}}})) != null ? stack1 : "")
    + " |\n";
},"24":function(container,depth0,helpers,partials,data) {
    var stack1, lookupProperty = container.lookupProperty || function(parent, propertyName) {
        if (Object.prototype.hasOwnProperty.call(parent, propertyName)) {
          return parent[propertyName];
        }
        return undefined
    };

  return ((stack1 = container.lambda(container.strict(lookupProperty(depth0,"left"), "changes", {"start":{"line":65,"column":2},"end":{"line":65,"column":14}} ), depth0)) != null ? stack1 : "")
    + " more are in the `plan` output and in the log.\n\n";
},"25":function(container,depth0,helpers,partials,data) {
    var stack1, lookupProperty = container.lookupProperty || function(parent, propertyName) {
        if (Object.prototype.hasOwnProperty.call(parent, propertyName)) {
          return parent[propertyName];
        }
        return undefined
    };

  return "### Cluster\n\n```mermaid\n"
    + ((stack1 = lookupProperty(helpers,"each").call(depth0 != null ? depth0 : (container.nullContext || {}),lookupProperty(depth0,"picture"),{"name":"each","hash":{},"fn":container.program(26, data, 0),"inverse":container.noop,"data":data,"loc":{"start":{"line":72,"column":0},"end":{"line":74,"column":9}}})) != null ? stack1 : "")
    + "```\n\n";
},"26":function(container,depth0,helpers,partials,data) {
    var stack1;

  return ((stack1 = container.lambda(depth0, depth0)) != null ? stack1 : "")
    + "\n";
},"27":function(container,depth0,helpers,partials,data) {
    var stack1, lookupProperty = container.lookupProperty || function(parent, propertyName) {
        if (Object.prototype.hasOwnProperty.call(parent, propertyName)) {
          return parent[propertyName];
        }
        return undefined
    };

  return "### Stages\n\n| stage | state | changes | satisfied | time |\n| --- | --- | ---: | ---: | ---: |\n"
    + ((stack1 = lookupProperty(helpers,"each").call(depth0 != null ? depth0 : (container.nullContext || {}),lookupProperty(depth0,"stages"),{"name":"each","hash":{},"fn":container.program(28, data, 0),"inverse":container.noop,"data":data,"loc":{"start":{"line":83,"column":0},"end":{"line":85,"column":9}}})) != null ? stack1 : "");
},"28":function(container,depth0,helpers,partials,data) {
    var stack1, alias1=depth0 != null ? depth0 : (container.nullContext || {}), alias2=container.strict, alias3=container.lambda, lookupProperty = container.lookupProperty || function(parent, propertyName) {
        if (Object.prototype.hasOwnProperty.call(parent, propertyName)) {
          return parent[propertyName];
        }
        return undefined
    };

  return "| "
    + ((stack1 = lookupProperty(helpers,"md").call(alias1,lookupProperty(depth0,"stage"),{"name":"md","hash":{},"data":data,"loc":{"start":{"line":84,"column":2},"end":{"line":84,"column":14}}})) != null ? stack1 : "")
    + " | "
    + ((stack1 = lookupProperty(helpers,"md").call(alias1,lookupProperty(depth0,"state"),{"name":"md","hash":{},"data":data,"loc":{"start":{"line":84,"column":17},"end":{"line":84,"column":29}}})) != null ? stack1 : "")
    + " | "
    + ((stack1 = alias3(alias2(depth0, "changes", {"start":{"line":84,"column":34},"end":{"line":84,"column":41}} ), depth0)) != null ? stack1 : "")
    + " | "
    + ((stack1 = alias3(alias2(depth0, "satisfied", {"start":{"line":84,"column":48},"end":{"line":84,"column":57}} ), depth0)) != null ? stack1 : "")
    + " | "
    + ((stack1 = lookupProperty(helpers,"md").call(alias1,lookupProperty(depth0,"time"),{"name":"md","hash":{},"data":data,"loc":{"start":{"line":84,"column":62},"end":{"line":84,"column":73}}})) != null ? stack1 : "")
    + " |\n";
},"29":function(container,depth0,helpers,partials,data) {
    var stack1, alias1=depth0 != null ? depth0 : (container.nullContext || {}), lookupProperty = container.lookupProperty || function(parent, propertyName) {
        if (Object.prototype.hasOwnProperty.call(parent, propertyName)) {
          return parent[propertyName];
        }
        return undefined
    };

  return "\n<details><summary>"
    + ((stack1 = lookupProperty(helpers,"md").call(alias1,lookupProperty(lookupProperty(depth0,"timeline"),"title"),{"name":"md","hash":{},"data":data,"loc":{"start":{"line":89,"column":18},"end":{"line":89,"column":39}}})) != null ? stack1 : "")
    + "</summary>\n\n```text\n"
    + ((stack1 = lookupProperty(helpers,"each").call(alias1,lookupProperty(lookupProperty(depth0,"timeline"),"chart"),{"name":"each","hash":{},"fn":container.program(26, data, 0),"inverse":container.noop,"data":data,"loc":{"start":{"line":92,"column":0},"end":{"line":94,"column":9}}})) != null ? stack1 : "")
    + "```\n\n| host | command | at | took | end |\n| --- | --- | ---: | ---: | --- |\n"
    + ((stack1 = lookupProperty(helpers,"each").call(alias1,lookupProperty(lookupProperty(depth0,"timeline"),"longest"),{"name":"each","hash":{},"fn":container.program(30, data, 0),"inverse":container.noop,"data":data,"loc":{"start":{"line":99,"column":0},"end":{"line":101,"column":9}}})) != null ? stack1 : "")
    + "\n</details>\n";
},"30":function(container,depth0,helpers,partials,data) {
    var stack1, alias1=depth0 != null ? depth0 : (container.nullContext || {}), lookupProperty = container.lookupProperty || function(parent, propertyName) {
        if (Object.prototype.hasOwnProperty.call(parent, propertyName)) {
          return parent[propertyName];
        }
        return undefined
    };

  return "| "
    + ((stack1 = lookupProperty(helpers,"md").call(alias1,lookupProperty(depth0,"host"),{"name":"md","hash":{},"data":data,"loc":{"start":{"line":100,"column":2},"end":{"line":100,"column":13}}})) != null ? stack1 : "")
    + " | "
    + ((stack1 = lookupProperty(helpers,"md").call(alias1,lookupProperty(depth0,"purpose"),{"name":"md","hash":{},"data":data,"loc":{"start":{"line":100,"column":16},"end":{"line":100,"column":30}}})) != null ? stack1 : "")
    + " | "
    + ((stack1 = lookupProperty(helpers,"md").call(alias1,lookupProperty(depth0,"at"),{"name":"md","hash":{},"data":data,"loc":{"start":{"line":100,"column":33},"end":{"line":100,"column":42}}})) != null ? stack1 : "")
    + " | "
    + ((stack1 = lookupProperty(helpers,"md").call(alias1,lookupProperty(depth0,"took"),{"name":"md","hash":{},"data":data,"loc":{"start":{"line":100,"column":45},"end":{"line":100,"column":56}}})) != null ? stack1 : "")
    + " | "
    + ((stack1 = lookupProperty(helpers,"md").call(alias1,lookupProperty(depth0,"ending"),{"name":"md","hash":{},"data":data,"loc":{"start":{"line":100,"column":59},"end":{"line":100,"column":72}}})) != null ? stack1 : "")
    + " |\n";
},"compiler":[8,">= 4.3.0"],"main":function(container,depth0,helpers,partials,data) {
    var stack1, alias1=depth0 != null ? depth0 : (container.nullContext || {}), lookupProperty = container.lookupProperty || function(parent, propertyName) {
        if (Object.prototype.hasOwnProperty.call(parent, propertyName)) {
          return parent[propertyName];
        }
        return undefined
    };

  return "## "
    + ((stack1 = container.lambda(container.strict(depth0, "mark", {"start":{"line":1,"column":5},"end":{"line":1,"column":9}} ), depth0)) != null ? stack1 : "")
    + " "
    + ((stack1 = lookupProperty(helpers,"md").call(alias1,lookupProperty(depth0,"status"),{"name":"md","hash":{},"data":data,"loc":{"start":{"line":1,"column":12},"end":{"line":1,"column":25}}})) != null ? stack1 : "")
    + "\n\n"
    + ((stack1 = lookupProperty(helpers,"each").call(alias1,lookupProperty(depth0,"closing"),{"name":"each","hash":{},"fn":container.program(0, data, 0),"inverse":container.noop,"data":data,"loc":{"start":{"line":3,"column":0},"end":{"line":6,"column":9}}})) != null ? stack1 : "")
    + ((stack1 = lookupProperty(helpers,"if").call(alias1,lookupProperty(depth0,"failures"),{"name":"if","hash":{},"fn":container.program(1, data, 0),"inverse":container.noop,"data":data,"loc":{"start":{"line":7,"column":0},"end":{"line":24,"column":7}}})) != null ? stack1 : "")
    + ((stack1 = lookupProperty(helpers,"if").call(alias1,lookupProperty(lookupProperty(depth0,"left"),"failures"),{"name":"if","hash":{},"fn":container.program(9, data, 0),"inverse":container.noop,"data":data,"loc":{"start":{"line":25,"column":0},"end":{"line":28,"column":7}}})) != null ? stack1 : "")
    + ((stack1 = lookupProperty(helpers,"if").call(alias1,lookupProperty(depth0,"rows"),{"name":"if","hash":{},"fn":container.program(10, data, 0),"inverse":container.noop,"data":data,"loc":{"start":{"line":29,"column":0},"end":{"line":42,"column":7}}})) != null ? stack1 : "")
    + ((stack1 = lookupProperty(helpers,"if").call(alias1,lookupProperty(depth0,"warnings"),{"name":"if","hash":{},"fn":container.program(18, data, 0),"inverse":container.noop,"data":data,"loc":{"start":{"line":43,"column":0},"end":{"line":53,"column":7}}})) != null ? stack1 : "")
    + ((stack1 = lookupProperty(helpers,"if").call(alias1,lookupProperty(depth0,"changes"),{"name":"if","hash":{},"fn":container.program(22, data, 0),"inverse":container.noop,"data":data,"loc":{"start":{"line":54,"column":0},"end":{"line":63,"column":7}}})) != null ? stack1 : "")
    + ((stack1 = lookupProperty(helpers,"if").call(alias1,lookupProperty(lookupProperty(depth0,"left"),"changes"),{"name":"if","hash":{},"fn":container.program(24, data, 0),"inverse":container.noop,"data":data,"loc":{"start":{"line":64,"column":0},"end":{"line":67,"column":7}}})) != null ? stack1 : "")
    + ((stack1 = lookupProperty(helpers,"if").call(alias1,lookupProperty(depth0,"picture"),{"name":"if","hash":{},"fn":container.program(25, data, 0),"inverse":container.noop,"data":data,"loc":{"start":{"line":68,"column":0},"end":{"line":77,"column":7}}})) != null ? stack1 : "")
    + ((stack1 = lookupProperty(helpers,"if").call(alias1,lookupProperty(depth0,"stages"),{"name":"if","hash":{},"fn":container.program(27, data, 0),"inverse":container.noop,"data":data,"loc":{"start":{"line":78,"column":0},"end":{"line":86,"column":7}}})) != null ? stack1 : "")
    + ((stack1 = lookupProperty(helpers,"if").call(alias1,lookupProperty(depth0,"timeline"),{"name":"if","hash":{},"fn":container.program(29, data, 0),"inverse":container.noop,"data":data,"loc":{"start":{"line":87,"column":0},"end":{"line":104,"column":7}}})) != null ? stack1 : "");
},"useData":true};
